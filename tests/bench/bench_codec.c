/* How fast numbers are read and written, beside cJSON and the C library, in one run: the ways take turns on the same
 * text, each way's time is the median of its turns. */
#include "tests/bench/bench.h"

#include <cjson/cJSON.h>
#include <relud/relud.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, COLUMNS = 784, COUNT = ROWS * COLUMNS, REST_BYTES = 64, NUMBER_BYTES = 32 };

struct work {
    char *text; /* {"inputs":[[…],…]} */
    size_t len;
    float values[COUNT];
    float back[COUNT * 8]; /* len / 2 + 1 fit in here: a number takes at most 16 bytes */
    char out[COUNT * NUMBER_BYTES];
    cJSON *tree; /* of the values, for printing */
};

/* ---- the numbers ---- */

static uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static float make_unit(uint64_t *state)
{
    return (float)(random_next(state) >> 40) * 0x1p-24f;
}

static float make_wide(uint64_t *state)
{
    uint64_t r = random_next(state);
    uint32_t bits = (uint32_t)(r & 0x807fffffu) | (uint32_t)(1 + (r >> 32) % 254) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* About normally distributed, as a net's answers are. */
static float make_normal(uint64_t *state)
{
    float sum = -6;
    for (int i = 0; i < 12; i++)
        sum += make_unit(state);
    return sum * 4;
}

/* As in MNIST: four of five pixels are 0, most of the others are bright, and they lie together. */
static float make_pixel(uint64_t *state)
{
    static unsigned left;
    static bool is_ink;
    if (left == 0) {
        is_ink = !is_ink;
        left = 1 + (unsigned)(random_next(state) % (is_ink ? 9 : 39));
    }
    left--;
    if (!is_ink)
        return 0;
    unsigned bright = (unsigned)(random_next(state) % 400);
    return (float)(bright > 255 ? 253 : bright);
}

static float make_six(uint64_t *state)
{
    return (float)(random_next(state) % 1000000) / 1e6f;
}

static size_t print_shortest(float value, char *out)
{
    return relud_float_to_text(value, out);
}

static size_t print_six(float value, char *out)
{
    return (size_t)sprintf(out, "%.6f", (double)value);
}

/* As Python prints a float32 that it holds as a double. */
static size_t print_double(float value, char *out)
{
    size_t len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = (size_t)sprintf(out, "%.*g", digits, (double)value);
        if (strtod(out, NULL) == (double)value)
            break;
    }
    return len;
}

static const struct kind {
    const char *name, *what;
    float (*make)(uint64_t *state);
    size_t (*print)(float value, char *out);
    const char *comma;
} kinds[] = {
    {"unit", "shortest text, (0,1)", make_unit, print_shortest, ","},
    {"wide", "shortest text, all exponents", make_wide, print_shortest, ","},
    {"normal", "shortest text, answers", make_normal, print_shortest, ","},
    {"pixels", "pixels, 0 to 255", make_pixel, print_shortest, ","},
    {"spaced", "pixels, a blank behind commas", make_pixel, print_shortest, ", "},
    {"six", "six places, 0.123456", make_six, print_six, ","},
    {"double", "as Python prints doubles", make_unit, print_double, ", "},
};

static bool is_written(const struct kind *kind) /* the others would be the same once more */
{
    return kind->print == print_shortest && kind->comma[1] == '\0';
}

static void make_work(struct work *work, const struct kind *kind)
{
    uint64_t state = 1;
    char *at = work->text + sprintf(work->text, "{\"inputs\":[");
    work->tree = cJSON_CreateArray();
    for (size_t i = 0; i < COUNT; i++) {
        if (i % COLUMNS == 0) {
            memcpy(at, i ? "],[" : "[", i ? 3 : 1);
            at += i ? 3 : 1;
        } else {
            at = stpcpy(at, kind->comma);
        }
        work->values[i] = kind->make(&state);
        at += kind->print(work->values[i], at);
        cJSON_AddItemToArray(work->tree, cJSON_CreateNumber((double)work->values[i]));
    }
    memcpy(at, "]]}", 4);
    work->len = (size_t)(at - work->text) + 3;
}

/* ---- the ways: each goes over all numbers once ---- */

static void stop(const char *why)
{
    fprintf(stderr, "bench_codec: %s\n", why);
    exit(EXIT_FAILURE);
}

static void read_relud(void *user)
{
    struct work *work = user;
    struct relud_json_array array = {.values = work->back,
                                     .capacity = sizeof work->back / sizeof(float)};
    struct relud_error error;
    char rest[REST_BYTES];
    if (!relud_json_read(work->text, work->len, "inputs", &array, rest, sizeof rest, &error))
        stop(error.text);
}

static void read_cjson(void *user)
{
    struct work *work = user;
    cJSON *document = cJSON_ParseWithLength(work->text, work->len);
    const cJSON *row, *number;
    size_t count = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(document, "inputs"))
        cJSON_ArrayForEach(number, row) work->back[count++] = (float)number->valuedouble;
    cJSON_Delete(document);
    if (count != COUNT)
        stop("cJSON did not read the text");
}

static void read_strtod(void *user)
{
    struct work *work = user;
    const char *at = work->text + strlen("{\"inputs\":[[");
    size_t count = 0;
    for (;;) {
        char *behind;
        work->back[count++] = (float)strtod(at, &behind);
        at = behind;
        if (*at == ',') /* strtod passes over the blank */
            at++;
        else if (memcmp(at, "],[", 3) == 0)
            at += 3;
        else
            break;
    }
    if (count != COUNT)
        stop("strtod did not read the text");
}

static void write_relud(void *user)
{
    struct work *work = user;
    size_t len = 0;
    for (size_t row = 0; row < ROWS; row++)
        len += relud_floats_to_text(work->values + row * COLUMNS, COLUMNS, work->out + len);
}

static void write_cjson(void *user)
{
    struct work *work = user;
    if (!cJSON_PrintPreallocated(work->tree, work->out, sizeof work->out, false))
        stop("cJSON did not print the numbers");
}

static void write_printf(void *user)
{
    struct work *work = user;
    char *at = work->out;
    for (size_t i = 0; i < COUNT; i++)
        at += sprintf(at, "%.9g,", (double)work->values[i]);
}

/* ---- all together ---- */

enum { WAYS = 3 };
typedef void way(void *work);

/* ns[w] = the median nanoseconds a number, way w. */
static void time_ways(struct work *work, way *const ways[WAYS], double ns[WAYS])
{
    bench_in_turn(ways, (void *const[]){work, work, work}, WAYS, 0.01, ns);
    for (size_t w = 0; w < WAYS; w++)
        ns[w] *= 1e9 / COUNT;
}

static void check_read(struct work *work, const struct kind *kind)
{
    read_relud(work);
    if (kind->print != print_six && memcmp(work->back, work->values, sizeof work->values) != 0)
        stop("numbers did not read back to the same bits");
}

int main(void)
{
    static struct work work;
    static double read_ns[sizeof kinds / sizeof *kinds][WAYS],
        write_ns[sizeof kinds / sizeof *kinds][WAYS];
    static double
        bytes[sizeof kinds / sizeof *kinds]; /* a number, with what parts it from the next */
    const size_t count = sizeof kinds / sizeof *kinds;
    work.text = malloc(COUNT * NUMBER_BYTES);
    if (!work.text)
        stop("out of memory");
    printf("%-30s %8s %9s %9s %9s   %s\n", "reading", "GB/s", "M num/s", "x cJSON", "x strtod",
           "bytes each");
    for (size_t i = 0; i < count; i++) {
        make_work(&work, &kinds[i]);
        check_read(&work, &kinds[i]);
        time_ways(&work, (way *const[]){read_relud, read_cjson, read_strtod}, read_ns[i]);
        if (is_written(&kinds[i]))
            time_ways(&work, (way *const[]){write_relud, write_cjson, write_printf}, write_ns[i]);
        bytes[i] = (double)work.len / COUNT;
        const double *ns = read_ns[i];
        printf("%-30s %8.2f %9.1f %9.1f %9.1f   %.1f\n", kinds[i].what, bytes[i] / ns[0],
               1e3 / ns[0], ns[1] / ns[0], ns[2] / ns[0], bytes[i]);
        cJSON_Delete(work.tree);
    }
    printf("\n%-30s %8s %9s %9s %9s\n", "writing", "ns each", "M num/s", "x cJSON", "x printf");
    for (size_t i = 0; i < count; i++) {
        const double *ns = write_ns[i];
        if (is_written(&kinds[i]))
            printf("%-30s %8.1f %9.1f %9.1f %9.1f\n", kinds[i].what, ns[0], 1e3 / ns[0],
                   ns[1] / ns[0], ns[2] / ns[0]);
    }
    for (size_t i = 0; i < count; i++) {
        const double *read = read_ns[i], *write = write_ns[i];
        bench_value(bytes[i] / read[0], "codec.read.%s.gb_per_s", kinds[i].name);
        bench_value(read[1] / read[0], "codec.read.%s.x_cjson", kinds[i].name);
        bench_value(read[2] / read[0], "codec.read.%s.x_strtod", kinds[i].name);
        if (!is_written(&kinds[i]))
            continue;
        bench_value(write[0], "codec.write.%s.ns", kinds[i].name);
        bench_value(write[1] / write[0], "codec.write.%s.x_cjson", kinds[i].name);
        bench_value(write[2] / write[0], "codec.write.%s.x_printf", kinds[i].name);
    }
    free(work.text);
    return 0;
}
