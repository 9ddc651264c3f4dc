/* relud healthcheck: one GET /readyz, for containers that hold no curl. */
#include "server/commands.h"

#include "server/connect.h"
#include "server/tls_client.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 3 };

/* Asks, and reads how an answer begins; false and *error when TLS fails. */
static bool ask(int fd, bool is_tls, char *answer, size_t size, struct relud_error *error)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: relud\r\nConnection: close\r\n\r\n";
    enum { REPEATS = 8 }; /* a session ticket or two come before the answer */
    size_t len = sizeof request - 1;
    if (!is_tls) {
        if (send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
            recv(fd, answer, size - 1, MSG_WAITALL);
        return true;
    }
    struct tls_client *client = tls_client_open(fd, 1000 * PATIENCE_S, error);
    if (!client)
        return false;
    ssize_t got = tls_client_send(client, request, len) == (ssize_t)len ? -1 : 0;
    for (int i = 0; i < REPEATS && got < 0; i++)
        got = tls_client_recv(client, answer, size - 1);
    tls_client_close(client);
    return true;
}

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
    char answer[16] = "";
    int fd = connect_to(&address, PATIENCE_S, &error);
    if (fd < 0) {
        fprintf(stderr, "relud: healthcheck: %s\n", error.text);
        return 1;
    }
    bool is_asked = ask(fd, address.is_tls, answer, sizeof answer, &error);
    bool is_ready = is_asked && strncmp(answer, "HTTP/1.1 200", 12) == 0;
    close(fd);
    if (!is_asked)
        fprintf(stderr, "relud: healthcheck: %s\n", error.text);
    else if (!is_ready)
        fprintf(stderr, "relud: healthcheck: %s:%s is not ready\n", address.host, address.port);
    return is_ready ? 0 : 1;
}
