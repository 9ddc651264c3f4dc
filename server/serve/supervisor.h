/* Talks to a supervisor such as systemd, by the protocols of sd_notify(3) and sd_listen_fds(3). */
#ifndef SERVER_SERVE_SUPERVISOR_H
#define SERVER_SERVE_SUPERVISOR_H

#include <relud/error.h>
#include <stdbool.h>

/* Connects to NOTIFY_SOCKET, if that is set. Call this before the process is confined: it cannot
 * connect after that. */
void supervisor_connect(void);
/* Sends "READY=1" or a similar state to the supervisor. Does nothing if there is none. */
void supervisor_notify(const char *state);

/* The listening sockets that the supervisor has handed over; -1 if there is none. A socket named
 * "admin" is the admin address's. Of the others, the first is for everybody. Surplus sockets are
 * closed. Removes the variables from the environment. Returns false and sets *error if a descriptor
 * is no listening TCP socket. */
bool supervisor_sockets(int *listen_fd, int *admin_fd, struct relud_error *error);

#endif
