/* relud healthcheck: one GET /readyz, for containers that hold no curl. */
#include "server/cli/commands.h"

#include "server/base/clock.h"
#include "server/client/connect.h"
#include "server/client/response_reader.h"
#include "server/log/complain.h"
#include "server/settings/config.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_S = 3 };

/* Asks and reads until the status is known; 0 when no answer has come in PATIENCE_S seconds. */
static unsigned ask(int fd, struct tls_client *tls)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: relud\r\nConnection: close\r\n\r\n";
    static struct response_reader answer;
    char bytes[1024];
    int64_t end_ns = clock_ns() + PATIENCE_S * INT64_C(1000000000);
    if (connect_send(fd, tls, request, sizeof request - 1) != (ssize_t)sizeof request - 1)
        return 0;
    while (answer.state == ANSWER_HEAD && clock_ns() < end_ns) {
        ssize_t got = connect_recv(fd, tls, bytes, sizeof bytes);
        if (got > 0)
            response_reader_take(&answer, bytes, (size_t)got);
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return answer.state == ANSWER_BROKEN ? 0 : answer.code;
}

static bool is_ready(const struct address *address, struct relud_error *error)
{
    int fd = connect_to(address, PATIENCE_S, error);
    if (fd < 0)
        return false;
    struct tls_client *tls = address->is_tls ? tls_client_open(fd, 1000 * PATIENCE_S, error) : NULL;
    bool is_connected = tls || !address->is_tls;
    bool is_right = is_connected && ask(fd, tls) == 200;
    if (is_connected && !is_right)
        relud_fail(error, RELUD_IO, "%s:%s is not ready", address->host, address->port);
    tls_client_close(tls);
    close(fd);
    return is_right;
}

const struct options healthcheck_options = {.words = "[ADDR:PORT]"};

/* Writes where `relud serve` would listen with the same environment; http://127.0.0.1:8080 when
 * that is wrong. */
static void find_usual_address(char *text, size_t size)
{
    struct config config;
    struct relud_error ignored;
    char *argv[] = {(char *)(uintptr_t) "serve", NULL};
    char host[ADDRESS_HOST_SIZE], port[ADDRESS_PORT_SIZE];
    snprintf(text, size, ":8080");
    if (config_read(&config, 1, argv, &ignored) &&
        address_read_listen("--listen", config.listen, host, port, &ignored)) {
        bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
        size_t scheme = (size_t)snprintf(text, size, *config.tls_cert ? "https://" : "http://");
        address_print(text + scheme, size - scheme, is_any ? "" : host, port);
    }
    config_free(&config);
}

int cmd_healthcheck(int argc, char **argv)
{
    struct address address;
    struct relud_error error;
    char usual[ADDRESS_HOST_SIZE + 32];
    find_usual_address(usual, sizeof usual);
    const char *at = usual;
    struct option_words words = {.at = &at, .max = 1};
    if (!options_read(&healthcheck_options, argc, argv, NULL, &words, &error) ||
        !address_read(at, &address, &error))
        return options_refuse("healthcheck", &error);
    if (is_ready(&address, &error))
        return 0;
    complain("healthcheck: %s", error.text);
    return 1;
}
