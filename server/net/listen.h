/* Opens listening sockets. */
#ifndef SERVER_NET_LISTEN_H
#define SERVER_NET_LISTEN_H

#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* Binds and listens on "ADDR:PORT", "[IPV6]:PORT" or ":PORT" (every address). Returns a
 * non-blocking descriptor and writes the address to `shown`, with the actual port if PORT was 0.
 * Returns -1 and sets *error on failure; the text begins with `option`. */
int listen_open(const char *option, const char *address, char *shown, size_t shown_size,
                struct relud_error *error);

/* Writes the address of a listening socket to `shown`, in the same form. */
void listen_show(int fd, char *shown, size_t shown_size);

#endif
