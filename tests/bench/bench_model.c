/* A net from an .onnx file beside the same net from a model directory: loading, and the forward pass in turn.
 * bench_model FILE.onnx DIR writes NAME=VALUE lines. */
#include "tests/bench/bench.h"

#include <relud/relud.h>
#include <sys/stat.h>

enum { ROWS_MAX = 32 };

struct job {
    relud_scratch *scratch;
    const float *x;
    float *y;
    size_t rows;
};

static void predict(void *user)
{
    struct job *job = user;
    relud_predict(job->scratch, job->x, job->rows, job->y);
}

/* The most memory that was resident; getrusage would count what the parent had. */
static double peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "VmHWM: %lf", &kilobytes);
    if (file)
        fclose(file);
    return kilobytes * 1024;
}

static relud_model *load(const char *path, double *seconds)
{
    struct relud_error error;
    double begin = bench_now();
    relud_model *model = relud_model_load(path, NULL, &error);
    *seconds = bench_now() - begin;
    if (!model) {
        fprintf(stderr, "bench_model: %s\n", error.text);
        exit(EXIT_FAILURE);
    }
    return model;
}

int main(int argc, char **argv)
{
    struct relud_error error;
    struct stat about = {0};
    double seconds;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_model FILE.onnx [DIR]\n");
        return 2;
    }
    relud_model *model[2] = {load(argv[1], &seconds), NULL};
    stat(argv[1], &about);
    printf("load_ms=%.2f\nload_gb_s=%.3f\npeak_of_size=%.2f\n", seconds * 1e3,
           (double)about.st_size * 1e-9 / seconds, peak_bytes() / (double)about.st_size);
    if (argc > 2)
        model[1] = load(argv[2], &seconds);
    const struct relud_model_info *info = relud_model_info(model[0]);
    float *x = malloc(ROWS_MAX * info->features * sizeof *x);
    struct job job[2];
    uint64_t state = 1;
    for (size_t i = 0; x && i < ROWS_MAX * info->features; i++) /* a digit's share of zeros */
        x[i] = bench_noise(&state) > 0.6f ? bench_noise(&state) : 0;
    for (size_t rows = 1; rows <= ROWS_MAX; rows *= ROWS_MAX) {
        void (*const run[2])(void *) = {predict, predict};
        void *const user[2] = {&job[0], &job[1]};
        double spent[2];
        for (size_t i = 0; i < 2 && model[i]; i++)
            job[i] = (struct job){relud_scratch_new(model[i], ROWS_MAX, &error), x,
                                  malloc(ROWS_MAX * info->outputs * sizeof(float)), rows};
        bench_in_turn(run, user, model[1] ? 2 : 1, 0.02, spent);
        printf("onnx_%zu_us=%.3f\n", rows, spent[0] * 1e6);
        if (model[1])
            printf("directory_%zu_us=%.3f\n", rows, spent[1] * 1e6);
        for (size_t i = 0; i < 2 && model[i]; i++) {
            relud_scratch_free(job[i].scratch);
            free(job[i].y);
        }
    }
    free(x);
    relud_model_release(model[0]);
    relud_model_release(model[1]);
    return EXIT_SUCCESS;
}
