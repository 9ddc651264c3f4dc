/* What a supervisor such as systemd is told and hands over, by its plain protocols: sd_notify(3) and sd_listen_fds(3). */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include <relud/error.h>
#include <stdbool.h>

/* Sends "READY=1" or the like to NOTIFY_SOCKET, if there is one. */
void supervisor_notify(const char *state);

/* The listening sockets that were handed over: -1 where there is none. One called "admin" is for administrators, the first
 * of the others for everybody. False and *error for what is no listening TCP socket. Takes the variables out of the
 * environment. */
bool supervisor_sockets(int *listen_fd, int *admin_fd, struct relud_error *error);

#endif
