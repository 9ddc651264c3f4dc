/* The listening socket. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* Binds and listens on "ADDR:PORT", "[IPV6]:PORT" or ":PORT" (every address). Returns a non-blocking descriptor and
 * writes the address as it is reached, with the port that port 0 became, to shown; -1 and *error otherwise. */
int listen_open(const char *option, const char *address, char *shown, size_t shown_size,
                struct relud_error *error);

/* The address of a listening socket, as above. */
void listen_show(int fd, char *shown, size_t shown_size);

#endif
