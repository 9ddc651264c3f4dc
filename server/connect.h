/* TCP connections to a server, for the commands that are clients. */
#ifndef SERVER_CONNECT_H
#define SERVER_CONNECT_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Where a server is: parts of http://HOST:PORT/PATH, ADDR:PORT, [::1]:PORT or :PORT. */
struct address {
    char host[256]; /* 127.0.0.1 where none was named */
    char port[8];
    char path[1024]; /* from its slash; "/" where none was named */
    bool is_tls;     /* https */
};

/* False and *error when text is none of these. */
bool address_read(const char *text, struct address *address, struct relud_error *error);

/* A connected socket whose waits end after patience_s; -1 and *error. */
int connect_to(const struct address *address, int patience_s, struct relud_error *error);

#endif
