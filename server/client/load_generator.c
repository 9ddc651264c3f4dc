#include "server/client/load_generator.h"

#include "server/base/clock.h"
#include "server/client/response_reader.h"
#include "server/client/tls_client.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 5, READ_BYTES = 256 * 1024, EVENTS = 256, RECONNECTS_MAX = 1000000 };
#define NS_PER_S 1000000000

/* One connection; idle ones are in a list. */
struct client {
    int fd;
    struct tls_client *tls; /* of https, or NULL */
    bool is_busy;
    struct client *next_idle;
    const char *request;
    size_t which; /* the request's number in the plan */
    size_t len, sent;
    int64_t due_ns;
    struct response_reader answer;
};

struct load_generator {
    const struct load_plan *plan;
    struct load_result *result;
    struct client *client;
    struct client *idle;
    int epoll_fd;
    char *buffer; /* [READ_BYTES] */
    int64_t begin_ns, measure_ns, end_ns;
    double gap_ns; /* between requests of the open loop */
    uint64_t issued;
    uint64_t *mark; /* [requests]: the mark of each one's first 2xx answer; 0: none yet */
    size_t busy;
    uint64_t reconnects;
};

static void put_idle(struct load_generator *load, struct client *client)
{
    client->next_idle = load->idle;
    load->idle = client;
}

static bool open_client(struct load_generator *load, struct client *client,
                        struct relud_error *error)
{
    client->fd = connect_to(load->plan->address, PATIENCE_S, error);
    if (client->fd < 0)
        return false;
    if (load->plan->address->is_tls &&
        !(client->tls = tls_client_open(client->fd, 1000 * PATIENCE_S, error))) {
        close(client->fd);
        client->fd = -1;
        return false;
    }
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(client->fd, F_SETFL, fcntl(client->fd, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) != 0)
        return relud_fail(error, RELUD_IO, "epoll: %s", strerror(errno));
    client->answer.is_head = load->plan->is_head;
    response_reader_reset(&client->answer);
    return true;
}

static bool is_measured(const struct load_generator *load, int64_t ns)
{
    return ns >= load->measure_ns && ns < load->end_ns;
}

static void close_client(struct client *client)
{
    tls_client_close(client->tls);
    client->tls = NULL;
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* Replaces a connection that is of no more use, as long as a new one can be opened. */
static void replace(struct load_generator *load, struct client *client)
{
    close_client(client);
    if (client->is_busy) {
        load->busy--;
        load->result->broken++;
    }
    client->is_busy = false;
    if (++load->reconnects < RECONNECTS_MAX && open_client(load, client, NULL))
        put_idle(load, client);
}

static void watch(struct load_generator *load, struct client *client, bool is_writing)
{
    struct epoll_event event = {.events = is_writing ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data.ptr = client};
    epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

/* Sends what the socket takes. was_stuck says that EPOLLOUT is watched for. */
static void send_some(struct load_generator *load, struct client *client, bool was_stuck)
{
    while (client->sent < client->len) {
        const char *rest = client->request + client->sent;
        size_t len = client->len - client->sent;
        ssize_t sent = connect_send(client->fd, client->tls, rest, len);
        if (sent < 0 && errno == EAGAIN) {
            if (!was_stuck)
                watch(load, client, true);
            return;
        }
        if (sent < 0 && errno != EINTR) {
            replace(load, client);
            return;
        }
        client->sent += sent > 0 ? (size_t)sent : 0;
    }
    if (was_stuck)
        watch(load, client, false);
}

static void start(struct load_generator *load, struct client *client, int64_t due_ns)
{
    client->which = load->issued++ % load->plan->requests;
    client->request = load->plan->request[client->which];
    client->len = load->plan->request_len[client->which];
    client->sent = 0;
    client->due_ns = due_ns;
    client->is_busy = true;
    load->busy++;
    send_some(load, client, false);
}

/* It compares outside the measured time, too: a wrong answer is also wrong during the warm-up. */
static void compare(struct load_generator *load, const struct client *client)
{
    uint64_t *mark = &load->mark[client->which];
    if (client->answer.code < 200 || client->answer.code >= 300)
        return;
    if (*mark == 0)
        *mark = client->answer.mark;
    load->result->different += *mark != client->answer.mark;
}

static void finish(struct load_generator *load, struct client *client, int64_t now_ns)
{
    struct load_result *result = load->result;
    unsigned code = client->answer.code;
    /* The closed loop counts answers that came in the measured time, the open loop those that were
     * due in it. */
    if (is_measured(load, load->gap_ns > 0 ? client->due_ns : now_ns)) {
        result->answers++;
        result->code[code < LOAD_CODES ? code : 0]++;
        bool is_good = code >= 200 && code < 300;
        latency_add(is_good ? &result->latency : &result->refused, now_ns - client->due_ns);
        result->failed += !is_good;
    }
    if (load->plan->is_same_wanted)
        compare(load, client);
    client->is_busy = false;
    load->busy--;
    if (client->answer.is_last) {
        replace(load, client);
        return;
    }
    response_reader_reset(&client->answer);
    put_idle(load, client);
}

static void receive(struct load_generator *load, struct client *client)
{
    ssize_t got = connect_recv(client->fd, client->tls, load->buffer, READ_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int64_t now_ns = clock_ns();
    if (got <= 0) {
        if (client->is_busy && client->answer.state == ANSWER_TO_CLOSE)
            finish(load, client, now_ns);
        else
            replace(load, client);
        return;
    }
    load->result->bytes_in += (uint64_t)got;
    size_t taken = response_reader_take(&client->answer, load->buffer, (size_t)got);
    if (client->answer.state == ANSWER_DONE && taken == (size_t)got && client->is_busy)
        finish(load, client, now_ns);
    else if (client->answer.state == ANSWER_DONE || client->answer.state == ANSWER_BROKEN)
        replace(load, client); /* the server sent more than the answer */
}

/* When request number `issued` of the open loop is due. */
static int64_t next_due(const struct load_generator *load)
{
    return load->begin_ns + (int64_t)((double)load->issued * load->gap_ns);
}

static struct client *take_idle(struct load_generator *load)
{
    struct client *client = load->idle;
    load->idle = client->next_idle;
    return client;
}

static void start_due(struct load_generator *load, int64_t now_ns)
{
    if (now_ns >= load->end_ns && load->gap_ns == 0)
        return;
    while (load->idle) {
        int64_t due_ns = load->gap_ns > 0 ? next_due(load) : now_ns;
        if (due_ns > now_ns || due_ns >= load->end_ns)
            return;
        start(load, take_idle(load), due_ns);
    }
}

/* How long to wait for events: until the next request is due, if a connection is free for it. */
static int64_t wait_ns(const struct load_generator *load, int64_t now_ns)
{
    int64_t until = now_ns + NS_PER_S / 10;
    if (load->gap_ns > 0 && load->idle && next_due(load) < load->end_ns && next_due(load) < until)
        until = next_due(load);
    return until > now_ns ? until - now_ns : 0;
}

static bool is_over(const struct load_generator *load, int64_t now_ns)
{
    if (now_ns < load->end_ns)
        return false;
    bool is_waiting = load->busy > 0 || (load->gap_ns > 0 && next_due(load) < load->end_ns);
    return load->gap_ns == 0 || !is_waiting ||
           now_ns > load->end_ns + PATIENCE_S * (int64_t)NS_PER_S;
}

static void turn(struct load_generator *load)
{
    struct epoll_event event[EVENTS];
    int64_t ns = wait_ns(load, clock_ns());
    struct timespec wait = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    int count = epoll_pwait2(load->epoll_fd, event, EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct client *client = event[i].data.ptr;
        if (client->fd >= 0 && event[i].events & EPOLLOUT)
            send_some(load, client, true);
        if (client->fd >= 0 && event[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(load, client);
    }
    start_due(load, clock_ns());
}

static void run(struct load_generator *load)
{
    const struct load_plan *plan = load->plan;
    prctl(PR_SET_TIMERSLACK, 1UL); /* by default waits may end 50 microseconds late */
    load->begin_ns = clock_ns();
    load->measure_ns = load->begin_ns + (int64_t)(plan->warmup_s * NS_PER_S);
    load->end_ns = load->measure_ns + (int64_t)(plan->seconds * NS_PER_S);
    start_due(load, load->begin_ns);
    while (!is_over(load, clock_ns()))
        turn(load);
    load->result->seconds = plan->seconds;
    if (load->gap_ns > 0) {
        uint64_t due = (uint64_t)((double)(load->end_ns - load->begin_ns) / load->gap_ns);
        load->result->unanswered = load->busy + (due > load->issued ? due - load->issued : 0);
    }
}

bool load_run(const struct load_plan *plan, struct load_result *result, struct relud_error *error)
{
    memset(result, 0, sizeof *result);
    struct load_generator load = {.plan = plan,
                                  .result = result,
                                  .client = calloc(plan->connections, sizeof *load.client),
                                  .buffer = malloc(READ_BYTES),
                                  .mark = calloc(plan->requests, sizeof *load.mark),
                                  .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                                  .gap_ns = plan->rate > 0 ? NS_PER_S / plan->rate : 0};
    size_t opened = 0;
    bool is_ready = load.client && load.buffer && load.mark && load.epoll_fd >= 0;
    if (!is_ready)
        relud_fail(error, RELUD_NO_MEMORY,
                   "there is not enough memory, or there are too few file descriptors");
    for (; is_ready && opened < plan->connections; opened += is_ready) {
        is_ready = open_client(&load, &load.client[opened], error);
        if (is_ready)
            put_idle(&load, &load.client[opened]);
    }
    if (is_ready)
        run(&load);
    for (size_t i = 0; i < opened; i++)
        close_client(&load.client[i]);
    if (load.epoll_fd >= 0)
        close(load.epoll_fd);
    free(load.client);
    free(load.buffer);
    free(load.mark);
    return is_ready;
}
