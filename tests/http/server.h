/* A real server on a real port, and its clients: libcurl for whole requests, a bare socket for odd
 * ones. */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include "tests/unit/suite.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS "deploy/models/digits"

struct server {
    pid_t pid;
    int port, admin_port; /* admin_port is 0 if none was requested */
    int log;              /* its stderr */
};

/* The program under test; what a test does to the environment later does not change it. */
static inline const char *relud_path(void)
{
    static const char *path;
    const char *given = getenv("RELUD");
    if (!path)
        path = given ? strdup(given) : "build/relud";
    return path;
}

/* The port of the first address in the log from here on, or 0. */
static inline int port_behind(const char *log)
{
    const char *address = log ? strstr(log, "://127.0.0.1:") : NULL;
    return address ? atoi(address + strlen("://127.0.0.1:")) : 0;
}

/* Starts `relud serve --listen 127.0.0.1:0 …` and waits for the line that names the port. */
static inline struct server server_start(const char *const *more)
{
    const char *argv[32] = {relud_path(), "serve", "--listen", "127.0.0.1:0"};
    size_t argc = 4;
    while (more && *more)
        argv[argc++] = *more++;
    int pipe_fd[2];
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], STDERR_FILENO);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(pipe_fd[1]);
    struct server server = {.pid = pid, .log = pipe_fd[0]};
    char log[8192];
    size_t len = 0;
    for (const char *found; len < sizeof log - 1;) {
        ssize_t got = read(server.log, log + len, sizeof log - 1 - len);
        ck_assert_msg(got > 0, "the server ended: %.*s", (int)len, log);
        len += (size_t)got;
        log[len] = '\0';
        found = strstr(log, "listening on http");
        if (found && strchr(found, '\n')) {
            server.port = port_behind(found);
            server.admin_port = port_behind(strstr(log, "administrators at http"));
            break;
        }
    }
    ck_assert_int_gt(server.port, 0);
    return server;
}

static inline struct server server_on_digits(void)
{
    return server_start((const char *const[]){DIGITS, NULL});
}

/* Waits for the server's end. Returns the exit status, or the negative number of the signal that
 * ended it. */
static inline int server_wait(struct server *server)
{
    int status;
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    close(server->log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Sends SIGTERM. The server must drain and exit with 0; a sanitizer would report by another
 * status. */
static inline void server_stop(struct server *server)
{
    kill(server->pid, SIGTERM);
    ck_assert_int_eq(server_wait(server), 0);
}

/* ---- libcurl ---- */

struct reply {
    long code;
    char *body; /* NUL-terminated; valid until the next request */
    size_t len, cap;
    char headers[4096];
};

static inline size_t reply_add(char *data, size_t size, size_t count, void *user)
{
    struct reply *reply = user;
    size_t more = size * count;
    if (reply->len + more + 1 > reply->cap) {
        reply->cap = 2 * (reply->len + more + 1);
        reply->body = realloc(reply->body, reply->cap);
    }
    memcpy(reply->body + reply->len, data, more);
    reply->len += more;
    reply->body[reply->len] = '\0';
    return more;
}

static inline size_t reply_header(char *data, size_t size, size_t count, void *user)
{
    struct reply *reply = user;
    size_t len = strlen(reply->headers), more = size * count;
    if (len + more < sizeof reply->headers) {
        memcpy(reply->headers + len, data, more);
        reply->headers[len + more] = '\0';
    }
    return more;
}

/* Sends one request on a connection that is kept open. If body is NULL it is a GET, else a POST of
 * len bytes, as JSON unless header says otherwise. verb and header may be NULL; header may be
 * several lines. */
static inline struct reply *server_ask(const struct server *server, const char *path,
                                       const char *verb, const char *body, size_t len,
                                       const char *header)
{
    static CURL *curl;
    static struct reply reply;
    char url[256];
    if (!curl)
        curl = curl_easy_init();
    curl_easy_reset(curl);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server->port, path);
    struct curl_slist *headers = NULL;
    if (!header || strncmp(header, "Content-Type:", 13) != 0)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    /* curl looks at first lines only, and would add its own Accept. */
    if (header && strstr(header, "\nAccept:"))
        headers = curl_slist_append(headers, "Accept:");
    if (header)
        headers = curl_slist_append(headers, header);
    reply.len = 0;
    reply.headers[0] = '\0';
    if (reply.body)
        reply.body[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, reply_add);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, reply_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (verb && strcmp(verb, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (verb)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, verb);
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    ck_assert_msg(result == CURLE_OK, "%s: %s", path, curl_easy_strerror(result));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.code);
    return &reply;
}

static inline struct reply *server_get(const struct server *server, const char *path)
{
    return server_ask(server, path, NULL, NULL, 0, NULL);
}

static inline struct reply *server_post(const struct server *server, const char *path,
                                        const char *body)
{
    return server_ask(server, path, NULL, body, strlen(body), NULL);
}

/* The same to the admin address. */
static inline struct reply *server_admin_post(const struct server *server, const char *path,
                                              const char *body)
{
    struct server admin = *server;
    admin.port = server->admin_port;
    return server_post(&admin, path, body);
}

/* ---- a bare socket ---- */

static inline int server_connect(const struct server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: its last words are still to be read */
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* Reads until the peer closes, `wanted` responses have arrived (0: any number), or nothing arrives
 * for a minute. NUL-terminated; the caller frees it. */
static inline char *receive(int fd, size_t wanted)
{
    size_t len = 0, cap = 1 << 16;
    char *bytes = malloc(cap);
    bytes[0] = '\0';
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 60000) <= 0)
            break;
        if (cap - len < 4096)
            bytes = realloc(bytes, cap *= 2);
        ssize_t got = recv(fd, bytes + len, cap - len - 1, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        bytes[len] = '\0';
        size_t seen = 0;
        for (const char *at = bytes; (at = strstr(at, "HTTP/1.1 ")); at++)
            seen++;
        const char *last = bytes;
        for (const char *at = bytes; (at = strstr(at, "HTTP/1.1 ")); at++)
            last = at;
        const char *end = strstr(last, "\r\n\r\n"), *length = strstr(last, "Content-Length: ");
        if (wanted && seen >= wanted && end && length &&
            strlen(end + 4) >= (size_t)atol(length + 16))
            break;
    }
    return bytes;
}

/* Sends the bytes on a new connection. Returns what arrives until it closes or `wanted` responses
 * are there. */
static inline char *server_raw(const struct server *server, const char *bytes, size_t wanted)
{
    int fd = server_connect(server);
    send_all(fd, bytes, strlen(bytes));
    char *answer = receive(fd, wanted);
    close(fd);
    return answer;
}

static inline size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static inline char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    char *text = calloc(1, 1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

#endif
