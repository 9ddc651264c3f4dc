/* One reader of HOST:PORT for what listens and what connects. */
#include "tests/unit/suite.h"

#include "server/base/address.h"

START_TEST(F13_addresses_to_connect_to)
{
    static const struct {
        const char *text, *host, *port,
            *path; /* host NULL: refused, and port is what the error says */
    } cases[] = {
        {"http://localhost:8080/predict?x=1", "localhost", "8080", "/predict?x=1"},
        {"HTTP://127.0.0.1/a#b", "127.0.0.1", "80", "/a"},
        {"http://[::1]:81", "::1", "81", "/"},
        {"[::1]:81/", "::1", "81", "/"},
        {"[::1]", "::1", "80", "/"},
        {"[fe80::1%eth0]:81", "fe80::1%eth0", "81", "/"},
        {"[::ffff:127.0.0.1]:81", "::ffff:127.0.0.1", "81", "/"},
        {":8080", "127.0.0.1", "8080", "/"},
        {"example.org", "example.org", "80", "/"},
        {"http://host?q", "host", "80", "/?q"},
        {"https://host/", "host", "443", "/"},
        {"h:1", "h", "1", "/"},
        {"h:65535", "h", "65535", "/"},
        {"http://host:port/", NULL, "'port' is not a port from 1 to 65535", NULL},
        {"http://host:/", NULL, "'' is not a port", NULL},
        {"http://host:0/", NULL, "'0' is not a port", NULL},
        {"http://host:65536/", NULL, "'65536' is not a port", NULL},
        {"http://host:70000/", NULL, "'70000' is not a port", NULL},
        {"http://host:12345678/", NULL, "'12345678' is not a port", NULL},
        {"http://host:4294967376/", NULL, "'4294967376' is not a port", NULL},
        {"http://host:080/", NULL, "'080' is not a port", NULL},
        {"http://host:-80/", NULL, "'-80' is not a port", NULL},
        {"http://host:+80/", NULL, "'+80' is not a port", NULL},
        {"http://host:80x/", NULL, "'80x' is not a port", NULL},
        {"http://host: 80/", NULL, "' 80' is not a port", NULL},
        {"http://ho st:80/", NULL, "a blank or a control character", NULL},
        {"http://[::1/", NULL, "no IPv6 address is between the brackets", NULL},
        {"http://[::1]x/", NULL, "only a colon and a port may follow the host", NULL},
        {"http://[]:80/", NULL, "no IPv6 address", NULL},
        {"http://[127.0.0.1]:80/", NULL, "no IPv6 address", NULL},
        {"http://[localhost]:80/", NULL, "no IPv6 address", NULL},
        {"http://::1:80/", NULL, "an IPv6 address must stand in brackets", NULL},
        {"::1", NULL, "an IPv6 address must stand in brackets", NULL},
        {"a:1:2", NULL, "an IPv6 address must stand in brackets", NULL},
        {"ftp://host/", NULL, "ftp://host/: ", NULL},
        {"http:///path", NULL, "the host is missing", NULL},
        {"", NULL, "the host is missing", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;
        struct relud_error error = {0};
        bool is_read = address_read(cases[i].text, &address, &error);
        ck_assert_msg(is_read == (cases[i].host != NULL), "%s: %s", cases[i].text, error.text);
        if (!is_read) {
            ck_assert_msg(strstr(error.text, cases[i].port) != NULL, "%s", error.text);
            continue;
        }
        ck_assert_str_eq(address.host, cases[i].host);
        ck_assert_str_eq(address.port, cases[i].port);
        ck_assert_str_eq(address.path, cases[i].path);
    }
}
END_TEST

START_TEST(F13_addresses_to_listen_on)
{
    char far[300];
    memset(far, 'a', sizeof far);
    strcpy(far + 256, ":80");
    const struct {
        const char *text, *host, *port; /* host NULL: refused, and port is what the error says */
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1", "0"},
        {":8080", "", "8080"},
        {"[::]:8080", "::", "8080"},
        {"localhost:65535", "localhost", "65535"},
        {"", NULL, "--admin-listen : the port is missing"},
        {"127.0.0.1", NULL, "--admin-listen 127.0.0.1: the port is missing; ADDR:PORT is needed"},
        {"127.0.0.1:", NULL, "'' is not a port from 0 to 65535"},
        {"127.0.0.1:70000", NULL,
         "--admin-listen 127.0.0.1:70000: '70000' is not a port from 0 to"},
        {"127.0.0.1:65536", NULL, "is not a port"},
        {"127.0.0.1:00", NULL, "is not a port"},
        {"127.0.0.1:08080", NULL, "is not a port"},
        {"127.0.0.1:-1", NULL, "is not a port"},
        {"127.0.0.1:http", NULL, "is not a port"},
        {"127.0.0.1:80x", NULL, "is not a port"},
        {"127.0.0.1:80 ", NULL, "is not a port"},
        {"::1:8080", NULL, "an IPv6 address must stand in brackets, as in [::1]:8080"},
        {"[::1:0", NULL, "no IPv6 address is between the brackets"},
        {"[::1]", NULL, "the port is missing"},
        {"http://127.0.0.1:80", NULL, "brackets"},
        {far, NULL, "the host has more than 255 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char host[ADDRESS_HOST_SIZE], port[ADDRESS_PORT_SIZE];
        struct relud_error error = {0};
        bool is_read = address_read_listen("--admin-listen", cases[i].text, host, port, &error);
        ck_assert_msg(is_read == (cases[i].host != NULL), "%s: %s", cases[i].text, error.text);
        ck_assert_msg(is_read || strstr(error.text, cases[i].port) != NULL, "%s", error.text);
        if (!is_read)
            continue;
        ck_assert(strcmp(host, cases[i].host) == 0 && strcmp(port, cases[i].port) == 0);
        char text[ADDRESS_HOST_SIZE + ADDRESS_PORT_SIZE + 4];
        address_print(text, sizeof text, host, port);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

RUN_SUITE("address", F13_addresses_to_connect_to, F13_addresses_to_listen_on)
