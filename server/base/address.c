#include "server/base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535 };

/* text[len]; no NUL ends it. */
struct piece {
    const char *at;
    size_t len;
};

bool address_is_port(const char *text, size_t len, unsigned least)
{
    unsigned port = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || len >= ADDRESS_PORT_SIZE)
            return false;
        port = 10 * port + (unsigned)(text[i] - '0');
    }
    return len > 0 && (text[0] != '0' || len == 1) && port >= least && port <= PORT_MAX;
}

/* True if `inside`, the text between the brackets, is an IPv6 address, perhaps with a zone (RFC
 * 6874). */
static bool is_v6(struct piece inside)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *zone = memchr(inside.at, '%', inside.len);
    size_t len = zone ? (size_t)(zone - inside.at) : inside.len;
    if (len >= sizeof text || (zone && len + 1 == inside.len))
        return false;
    memcpy(text, inside.at, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Splits text[len], which has the form [HOST][:PORT]. port->at is NULL if there is no colon.
 * Returns NULL, or what is wrong with the text. */
static const char *split(const char *text, size_t len, struct piece *host, struct piece *port)
{
    const char *end = text + len, *behind;
    *host = *port = (struct piece){0};
    if (len && *text == '[') {
        const char *close = memchr(text, ']', len);
        *host = (struct piece){text + 1, close ? (size_t)(close - text - 1) : 0};
        if (!close || !is_v6(*host))
            return "no IPv6 address is between the brackets";
        behind = close + 1;
    } else {
        behind = memchr(text, ':', len);
        behind = behind ? behind : end;
        *host = (struct piece){text, (size_t)(behind - text)};
        if (behind < end && memchr(behind + 1, ':', (size_t)(end - behind - 1)))
            return "an IPv6 address must stand in brackets, as in [::1]:8080";
    }
    for (size_t i = 0; i < host->len; i++)
        if ((unsigned char)host->at[i] <= ' ' || host->at[i] == 0x7f)
            return "the host holds a blank or a control character";
    if (host->len >= ADDRESS_HOST_SIZE)
        return "the host has more than 255 bytes";
    if (behind < end && *behind != ':')
        return "only a colon and a port may follow the host";
    if (behind < end)
        *port = (struct piece){behind + 1, (size_t)(end - behind - 1)};
    return NULL;
}

static void copy(char *to, size_t size, struct piece piece)
{
    snprintf(to, size, "%.*s", (int)piece.len, piece.at ? piece.at : "");
}

/* Reports that `port` is not a port number, and returns false. `what` is the option's name or
 * "". */
static bool fail_port(const char *what, const char *text, struct piece port, unsigned least,
                      struct relud_error *error)
{
    return relud_fail(error, RELUD_BAD_INPUT, "%s%s: '%.*s' is not a port from %u to %d", what,
                      text, (int)(port.len < 40 ? port.len : 40), port.at, least, PORT_MAX);
}

bool address_read_listen(const char *option, const char *text, char host[ADDRESS_HOST_SIZE],
                         char port[ADDRESS_PORT_SIZE], struct relud_error *error)
{
    struct piece host_at, port_at;
    char what[64];
    const char *why = split(text, strlen(text), &host_at, &port_at);
    snprintf(what, sizeof what, "%.60s ", option);
    if (!why && !port_at.at)
        why = "the port is missing; ADDR:PORT is needed";
    if (why)
        return relud_fail(error, RELUD_BAD_INPUT, "%s%s: %s", what, text, why);
    if (!address_is_port(port_at.at, port_at.len, 0))
        return fail_port(what, text, port_at, 0, error);
    copy(host, ADDRESS_HOST_SIZE, host_at);
    copy(port, ADDRESS_PORT_SIZE, port_at);
    return true;
}

void address_print(char *text, size_t size, const char *host, const char *port)
{
    snprintf(text, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

bool address_read(const char *text, struct address *address, struct relud_error *error)
{
    const char *at = text;
    struct piece host, port;
    address->is_tls = strncasecmp(at, "https://", 8) == 0;
    if (address->is_tls || strncasecmp(at, "http://", 7) == 0)
        at += address->is_tls ? 8 : 7;
    const char *slash = at + strcspn(at, "/?#");
    size_t path_len = strcspn(slash, "#");
    const char *why = split(at, (size_t)(slash - at), &host, &port);
    if (!why && strstr(text, "://") && at == text)
        why = "http://HOST:PORT/PATH or https://… is needed";
    else if (!why && at == slash)
        why = "the host is missing; http://HOST:PORT/PATH is needed";
    else if (!why && path_len >= sizeof address->path - 1)
        why = "the path has more than 1022 bytes";
    if (why)
        return relud_fail(error, RELUD_BAD_INPUT, "%s: %s", text, why);
    if (port.at && !address_is_port(port.at, port.len, 1))
        return fail_port("", text, port, 1, error);
    if (host.len)
        copy(address->host, sizeof address->host, host);
    else
        snprintf(address->host, sizeof address->host, "127.0.0.1");
    if (port.at)
        copy(address->port, sizeof address->port, port);
    else
        snprintf(address->port, sizeof address->port, "%s", address->is_tls ? "443" : "80");
    snprintf(address->path, sizeof address->path, "%s%.*s", *slash == '/' ? "" : "/", (int)path_len,
             slash);
    return true;
}
