/* Activations against memcpy of the same floats, in cache and out of it. */
#include "tests/bench/bench.h"

#include <relud/relud.h>
#include <string.h>

enum { NEAR = 64 * 1024, FAR = 16 * 1024 * 1024 };

struct work {
    const struct relud_activation *activation;
    struct relud_activation_params params;
    const float *x;
    float *y;
    size_t count;
};

static void run_activation(void *user)
{
    struct work *w = user;
    relud_activate(w->activation, &w->params, w->x, w->y, w->count / 1024, 1024);
}

static void run_memcpy(void *user)
{
    struct work *w = user;
    memcpy(w->y, w->x, w->count * sizeof *w->y);
}

int main(void)
{
    float *x = aligned_alloc(64, FAR * sizeof *x), *y = aligned_alloc(64, FAR * sizeof *y);
    uint64_t state = 1;
    if (!x || !y)
        return EXIT_FAILURE;
    for (size_t i = 0; i < FAR; i++)
        x[i] = 4 * bench_noise(&state);
    memset(y, 0, FAR * sizeof *y);
    printf("%-14s %12s %12s %12s %12s\n", "", "ns/float", "of memcpy", "ns/float", "of memcpy");
    printf("%-14s %25s %25s\n", "", "256 KB", "64 MB");
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        const char *name = relud_activation_info(activation)->name;
        printf("%-14s", name);
        for (size_t count = NEAR; count <= FAR; count *= FAR / NEAR) {
            struct work work = {activation, relud_activation_defaults(activation), x, y, count};
            void (*run[])(void *) = {run_activation, run_memcpy};
            void *user[] = {&work, &work};
            double s[2];
            bench_in_turn(run, user, 2, 0.002, s);
            const char *where = count == NEAR ? "cache" : "memory";
            printf(" %12.3f %12.2f", s[0] / (double)count * 1e9, s[1] / s[0]);
            bench_value(s[0] / (double)count * 1e9, "activation.%s.%s.ns", name, where);
            bench_value(s[1] / s[0], "activation.%s.%s.of_memcpy", name, where);
        }
        printf("\n");
    }
    free(x);
    free(y);
    return 0;
}
