/* The number text codec against cJSON, and against strtod and printf. */
#include "tests/bench/bench.h"

#include <cjson/cJSON.h>
#include <relud/relud.h>
#include <stdint.h>
#include <string.h>

enum { NUMBERS = 784 * 32 };

static float values[NUMBERS], back[NUMBERS * 2];
static char text[NUMBERS * 32], out[NUMBERS * 32];
static size_t text_len;
static cJSON *tree;

static void read_ours(void *user)
{
    (void)user;
    char rest[256];
    struct relud_json_array array = {.values = back, .capacity = NUMBERS * 2};
    if (!relud_json_read(text, text_len, "inputs", &array, rest, sizeof rest, NULL))
        abort();
}
static void read_cjson(void *user)
{
    (void)user;
    cJSON_Delete(cJSON_Parse(text));
}
static void read_strtod(void *user)
{
    (void)user;
    size_t count = 0;
    for (char *at = strchr(text, '[') + 1; *at != ']' && *at; at += *at == ',')
        back[count++] = (float)strtod(at, &at);
}
static void write_ours(void *user)
{
    (void)user;
    relud_floats_to_text(values, NUMBERS, out);
}
static void write_cjson(void *user)
{
    (void)user;
    cJSON_PrintPreallocated(tree, out, sizeof out, 0);
}
static void write_printf(void *user)
{
    (void)user;
    char *at = out;
    for (size_t i = 0; i < NUMBERS; i++)
        at += sprintf(at, "%.9g,", (double)values[i]);
}

static void set_text(void)
{
    char *at = stpcpy(text, "{\"inputs\":[");
    at += relud_floats_to_text(values, NUMBERS, at);
    at = stpcpy(at, "]}");
    text_len = (size_t)(at - text);
}

static void bench_reading(const char *name)
{
    void (*run[])(void *) = {read_ours, read_cjson, read_strtod};
    void *user[3] = {0};
    double s[3];
    bench_in_turn(run, user, 3, 0.01, s);
    printf("read  %-26s %6.2f GB/s %6.1f ns/number   %6.1fx cJSON %5.1fx strtod\n", name,
           (double)text_len / s[0] * 1e-9, s[0] / NUMBERS * 1e9, s[1] / s[0], s[2] / s[0]);
}

int main(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < NUMBERS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)(state >> 40) * 0x1p-24f;
    }
    set_text();
    bench_reading("shortest floats in 0..1");
    tree = cJSON_CreateFloatArray(values, NUMBERS);
    void (*run[])(void *) = {write_ours, write_cjson, write_printf};
    void *user[3] = {0};
    double s[3];
    bench_in_turn(run, user, 3, 0.01, s);
    printf("write %-26s %11s %6.1f ns/number   %6.1fx cJSON %5.1fx printf\n",
           "shortest floats in 0..1", "", s[0] / NUMBERS * 1e9, s[1] / s[0], s[2] / s[0]);
    cJSON_Delete(tree);
    for (size_t i = 0; i < NUMBERS; i++)
        values[i] = (float)((int)(values[i] * 1e6f)) / 1e6f;
    set_text();
    bench_reading("six places in 0..1");
    for (size_t i = 0; i < NUMBERS; i++) /* like an MNIST image: four fifths zeros, in runs */
        values[i] = i % 28 < 22 ? 0 : (float)((int)(values[i] * 256));
    set_text();
    bench_reading("grey values 0..255");
    return 0;
}
