/* A strict reader of metrics: Prometheus's text format 0.0.4 and OpenMetrics 1.0, as far as a
 * server with counters, gauges and histograms uses them. A line that breaks the format fails the
 * test and is shown. */
#ifndef TESTS_UNIT_EXPOSITION_H
#define TESTS_UNIT_EXPOSITION_H

#include "tests/unit/suite.h"
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exposition {
    bool is_openmetrics;
    char family[128], type[32];
    char bucket_of[512]; /* the labels, except le, of the histogram being read */
    double bound, count; /* of its last bucket */
    char *seen[4096];    /* families and samples; each may occur once */
    size_t seen_len;
};

static inline void exposition_once(struct exposition *all, const char *what)
{
    for (size_t i = 0; i < all->seen_len; i++)
        ck_assert_msg(strcmp(all->seen[i], what) != 0, "%s comes twice", what);
    ck_assert_uint_lt(all->seen_len, 4096);
    all->seen[all->seen_len++] = strdup(what);
}

/* Reads # HELP NAME TEXT, # TYPE NAME TYPE, # UNIT NAME UNIT. HELP must be a family's first line
 * here. */
static inline void exposition_comment(struct exposition *all, const char *line)
{
    char kind[8], name[128], what[160];
    int at = 0;
    ck_assert_msg(sscanf(line, "# %7s %127s %n", kind, name, &at) == 2 && line[at], "%s", line);
    if (strcmp(kind, "HELP") == 0) {
        snprintf(what, sizeof what, "# %s", name);
        exposition_once(all, what);
        snprintf(all->family, sizeof all->family, "%s", name);
        all->type[0] = '\0';
    }
    ck_assert_msg(strcmp(all->family, name) == 0, "%s: within %s", line, all->family);
    if (strcmp(kind, "TYPE") == 0) {
        snprintf(all->type, sizeof all->type, "%s", line + at);
        size_t len = strlen(name);
        bool is_total = len > 6 && strcmp(name + len - 6, "_total") == 0;
        ck_assert_msg(is_total == (!all->is_openmetrics && strcmp(all->type, "counter") == 0), "%s",
                      line);
    } else if (strcmp(kind, "UNIT") == 0) {
        size_t len = strlen(name), unit = strlen(line + at);
        ck_assert_msg(all->is_openmetrics && len > unit + 1 && name[len - unit - 1] == '_' &&
                          strcmp(name + len - unit, line + at) == 0,
                      "%s", line);
    } else {
        ck_assert_msg(strcmp(kind, "HELP") == 0, "%s", line);
    }
}

/* Reads a number with nothing after it. NaN and infinities must be written as the formats say. */
static inline double exposition_number(const char *text, const char *line)
{
    char *end;
    double number = strtod(text, &end);
    bool is_word =
        strcmp(text, "NaN") == 0 || strcmp(text, "+Inf") == 0 || strcmp(text, "-Inf") == 0;
    ck_assert_msg(end != text && !*end &&
                      (is_word || strspn(text, "0123456789+-.e") == strlen(text)),
                  "%s: '%s' is no number", line, text);
    return number;
}

/* Checks le by OpenMetrics 1.0, Canonical Numbers. */
static inline void exposition_bound(const struct exposition *all, const char *le, const char *line)
{
    char wanted[40];
    double bound = exposition_number(le, line);
    if (isinf(bound))
        return;
    for (int digits = 6; digits < 18; digits++) {
        snprintf(wanted, sizeof wanted, "%.*g", digits, bound);
        if (strtod(wanted, NULL) == bound)
            break;
    }
    if (all->is_openmetrics && !strpbrk(wanted, ".e"))
        strcat(wanted, ".0");
    ck_assert_msg(strcmp(wanted, le) == 0, "%s: le should be %s", line, wanted);
}

/* Reads {a="b",…} from *at. The value of le goes to le, the others to labels. */
static inline void exposition_labels(const char **at, char *labels, char *le, const char *line)
{
    const char *c = *at + 1;
    while (*c != '}') {
        char key[64] = "", value[256] = "";
        size_t key_len = 0, len = 0;
        while (isalnum((unsigned char)*c) || *c == '_')
            key[key_len++] = *c++;
        ck_assert_msg(key_len && c[0] == '=' && c[1] == '"', "%s", line);
        for (c += 2; *c != '"'; c++) {
            ck_assert_msg(*c && len < sizeof value - 1, "%s: a value does not end", line);
            if (*c == '\\') {
                c++;
                ck_assert_msg(*c == '\\' || *c == '"' || *c == 'n', "%s: \\%c", line, *c);
            }
            value[len++] = *c;
        }
        c++;
        ck_assert_msg(*c == '}' || (*c == ',' && c[1] != '}'), "%s", line);
        c += *c == ',';
        if (strcmp(key, "le") == 0)
            snprintf(le, sizeof value, "%s", value);
        else
            sprintf(labels + strlen(labels), "%s=%s;", key, value);
    }
    *at = c + 1;
}

static inline void exposition_histogram(struct exposition *all, const char *suffix,
                                        const char *labels, const char *le, double value,
                                        const char *line)
{
    if (strcmp(suffix, "_bucket") == 0) {
        double bound = strtod(le, NULL);
        exposition_bound(all, le, line);
        bool is_next = strcmp(all->bucket_of, labels) == 0 && !isinf(all->bound);
        ck_assert_msg(!is_next || (bound > all->bound && value >= all->count), "%s", line);
        snprintf(all->bucket_of, sizeof all->bucket_of, "%s", labels);
        all->bound = bound;
        all->count = value;
        return;
    }
    ck_assert_msg(!*le && strcmp(all->bucket_of, labels) == 0 && isinf(all->bound), "%s", line);
    if (strcmp(suffix, "_count") == 0)
        ck_assert_msg(value == all->count, "%s: the last bucket has %g", line, all->count);
    else
        ck_assert_msg(strcmp(suffix, "_sum") == 0 && value >= 0, "%s", line);
}

static inline void exposition_sample(struct exposition *all, const char *line)
{
    char name[128], labels[512] = "", le[256] = "", what[1024];
    size_t name_len = 0, family_len = strlen(all->family);
    while (isalnum((unsigned char)line[name_len]) || line[name_len] == '_')
        name_len++;
    snprintf(name, sizeof name, "%.*s", (int)name_len, line);
    const char *at = line + name_len;
    if (*at == '{')
        exposition_labels(&at, labels, le, line);
    ck_assert_msg(*at == ' ' && name_len, "%s", line);
    double value = exposition_number(at + 1, line); /* no timestamp, no exemplar */
    ck_assert_msg(all->type[0] && strncmp(name, all->family, family_len) == 0, "%s: within %s %s",
                  line, all->family, all->type);
    snprintf(what, sizeof what, "%s{%s%s", name, labels, le);
    exposition_once(all, what);
    const char *suffix = name + family_len;
    if (strcmp(all->type, "histogram") == 0) {
        exposition_histogram(all, suffix, labels, le, value, line);
        return;
    }
    bool is_counter = strcmp(all->type, "counter") == 0;
    ck_assert_msg(is_counter || strcmp(all->type, "gauge") == 0, "%s %s", line, all->type);
    ck_assert_msg(strcmp(suffix, is_counter && all->is_openmetrics ? "_total" : "") == 0, "%s",
                  line);
    ck_assert_msg(!is_counter || value >= 0, "%s", line);
}

/* Checks a whole response; changes text. Returns the number of samples. */
static inline size_t exposition_check(char *text, bool is_openmetrics)
{
    struct exposition all = {.is_openmetrics = is_openmetrics};
    size_t samples = 0;
    bool is_ended = false;
    ck_assert_msg(*text && text[strlen(text) - 1] == '\n', "the last line does not end");
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        *next++ = '\0';
        ck_assert_msg(!is_ended, "%s: behind # EOF", line);
        if (strcmp(line, "# EOF") == 0) {
            is_ended = true;
        } else if (*line == '#') {
            exposition_comment(&all, line);
        } else {
            exposition_sample(&all, line);
            samples++;
        }
    }
    ck_assert_msg(is_ended == is_openmetrics, "# EOF");
    for (size_t i = 0; i < all.seen_len; i++)
        free(all.seen[i]);
    return samples;
}

#endif
