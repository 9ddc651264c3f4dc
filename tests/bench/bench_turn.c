/* What a request costs beyond the HTTP library: its body read into the turn's rows, its share of the forward pass, its
 * answer written, and what is left, the turn's own work. The bundled digits model, one real digit a request. */
#include "tests/bench/bench.h"
#include "tests/service.h"

#include "server/api/router.h"
#include "server/base/clock.h"
#include <string.h>

enum { REQUESTS_MAX = 64, BODY_MAX = 64 * 1024 };

struct work {
    struct test_service test;
    char body[BODY_MAX];
    size_t len, requests;
    struct request request[REQUESTS_MAX];
    int64_t decode_ns, forward_ns, encode_ns;
    size_t answered;
};

/* One turn of the loop: all requests are read, computed, answered. */
static void run_turn(void *user)
{
    struct work *work = user;
    struct service *service = &work->test.service;
    for (size_t i = 0; i < work->requests; i++) {
        struct request *one = &work->request[i];
        *one =
            (struct request){.service = service, .out = {.at = one->out.at, .cap = one->out.cap}};
        one->route = router_find(one, "POST", "/predict");
        if (!one->route || one->route->read(one, work->body, work->len) != READ_SUBMITTED) {
            fprintf(stderr, "bench_turn: not taken: %.*s\n", (int)one->out.len, one->out.at);
            exit(EXIT_FAILURE);
        }
        work->decode_ns += one->decode_ns;
    }
    int64_t begin_ns = clock_ns();
    turn_forward(&service->turn);
    int64_t forward_ns = clock_ns();
    work->forward_ns += forward_ns - begin_ns;
    for (size_t i = 0; i < work->requests; i++) {
        struct request *one = &work->request[i];
        one->route->write(one);
        work->answered += one->code == 200;
        turn_release(&service->turn, &one->job);
    }
    work->encode_ns += clock_ns() - forward_ns;
}

static void read_body(struct work *work, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file) {
        work->len = fread(work->body, 1, sizeof work->body, file);
        fclose(file);
    }
    if (work->len == 0 || work->len == sizeof work->body) {
        fprintf(stderr, "bench_turn: cannot read %s (run it from the project's directory)\n", path);
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    static const size_t requests[] = {1, 8, 32, 64};
    static struct work work;
    test_service_open(&work.test, "deploy/models/digits/1", NULL);
    read_body(&work, "tests/data/digit-7.json");
    printf("\n%-20s %9s %9s %9s %9s %9s\n", "requests in a turn", "ns each", "read", "forward",
           "write", "the turn");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        work.requests = requests[i];
        void (*run[])(void *) = {run_turn};
        void *user[] = {&work};
        double s;
        work.decode_ns = work.forward_ns = work.encode_ns = 0;
        work.answered = 0;
        bench_in_turn(run, user, 1, 0.01, &s);
        double answered = (double)work.answered, each = s / (double)requests[i] * 1e9;
        double decode = (double)work.decode_ns / answered;
        double forward = (double)work.forward_ns / answered;
        double encode = (double)work.encode_ns / answered;
        printf("%-20zu %9.0f %9.0f %9.0f %9.0f %9.0f\n", requests[i], each, decode, forward, encode,
               each - decode - forward - encode);
        bench_value(each, "turn.requests%zu.ns", requests[i]);
        bench_value(decode, "turn.requests%zu.read_ns", requests[i]);
        bench_value(forward, "turn.requests%zu.forward_ns", requests[i]);
        bench_value(encode, "turn.requests%zu.write_ns", requests[i]);
    }
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        free(work.request[i].out.at);
    test_service_close(&work.test);
    return 0;
}
