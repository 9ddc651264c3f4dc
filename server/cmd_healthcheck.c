/* relud healthcheck: one GET /readyz, for containers that hold no curl. */
#include "server/commands.h"

#include "server/connect.h"
#include "server/tls.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 3 };

int cmd_healthcheck(int argc, char **argv)
{
    struct address address;
    struct relud_error error;
    if (argc > 2) {
        fprintf(stderr, "relud: healthcheck: one ADDR:PORT is wanted\n");
        return 2;
    }
    if (!address_read(argc > 1 ? argv[1] : ":8080", &address, &error)) {
        fprintf(stderr, "relud: healthcheck: %s\n", error.text);
        return 2;
    }
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: relud\r\nConnection: close\r\n\r\n";
    char answer[16] = "";
    int fd = connect_to(&address, PATIENCE_S, &error);
    if (fd < 0) {
        fprintf(stderr, "relud: healthcheck: %s\n", error.text);
        return 1;
    }
    bool is_asked = address.is_tls ? tls_ask(fd, request, sizeof request - 1, answer,
                                             sizeof answer - 1, 1000 * PATIENCE_S, &error) > 0
                                   : send(fd, request, sizeof request - 1, MSG_NOSIGNAL) ==
                                             (ssize_t)sizeof request - 1 &&
                                         recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 0;
    bool is_ready = is_asked && strncmp(answer, "HTTP/1.1 200", 12) == 0;
    close(fd);
    if (!is_asked && address.is_tls)
        fprintf(stderr, "relud: healthcheck: %s\n", error.text);
    else if (!is_ready)
        fprintf(stderr, "relud: healthcheck: %s:%s is not ready\n", address.host, address.port);
    return is_ready ? 0 : 1;
}
