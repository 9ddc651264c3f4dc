/* Reads and writes the address of a server: HOST:PORT and http://HOST:PORT/PATH (RFC 3986 §3.2).
 * The listening side and the connecting side use the same parser. */
#ifndef SERVER_BASE_ADDRESS_H
#define SERVER_BASE_ADDRESS_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

enum { ADDRESS_HOST_SIZE = 256, ADDRESS_PORT_SIZE = 6 };

/* The parts of http://HOST:PORT/PATH, ADDR:PORT, [::1]:PORT or :PORT. */
struct address {
    char host[ADDRESS_HOST_SIZE]; /* without brackets; 127.0.0.1 if the text names none */
    char port[ADDRESS_PORT_SIZE]; /* 1 to 65535; the scheme's port if the text names none */
    char path[1024];              /* begins with a slash; "/" if the text names none */
    bool is_tls;                  /* https */
};

/* Reads one of the forms above. Returns false and sets *error, which says what is wrong, for any
 * other text. */
bool address_read(const char *text, struct address *address, struct relud_error *error);

/* Reads an address to listen on: ADDR:PORT, [IPV6]:PORT or :PORT. The port is required and may be
 * 0. An empty ADDR gives an empty host. Returns false and sets *error otherwise; its text begins
 * with the option's name. */
bool address_read_listen(const char *option, const char *text, char host[ADDRESS_HOST_SIZE],
                         char port[ADDRESS_PORT_SIZE], struct relud_error *error);

/* Writes HOST:PORT in the form that the functions above read: an IPv6 address stands in
 * brackets. */
void address_print(char *text, size_t size, const char *host, const char *port);

/* True if text[len] is a port number in decimal digits, from `least` to 65535, without leading
 * zeros. */
bool address_is_port(const char *text, size_t len, unsigned least);

#endif
