/* The names of a row's parts, and finding one of them. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int compare_columns(const void *a, const void *b, void *user)
{
    const char *const *name = user;
    return strcmp(name[*(const size_t *)a], name[*(const size_t *)b]);
}

/* Writes all labels. Their memory, behind the array, is freed with it. */
static bool make_labels(struct relud_json_columns *columns)
{
    size_t bytes = columns->len * sizeof *columns->label;
    for (size_t i = 0; i < columns->len; i++)
        bytes += 6 * strlen(columns->name[i]) + 3;
    columns->label = malloc(bytes);
    char *at = (char *)(columns->label ? columns->label + columns->len : NULL);
    for (size_t i = 0; at && i < columns->len; i++) {
        size_t len = relud_json_string(columns->name[i], strlen(columns->name[i]), at);
        at[len++] = ':';
        columns->label[i] = (struct relud_json_label){at, len};
        at += len;
    }
    return at != NULL;
}

bool relud_json_columns_open(struct relud_json_columns *columns, const char *const *name,
                             const size_t *first, size_t len)
{
    *columns = (struct relud_json_columns){.name = name, .len = len, .first = first};
    if (!name || len == 0) {
        columns->len = 0;
        return true;
    }
    columns->by_name = calloc(len, sizeof *columns->by_name);
    if (!columns->by_name)
        return false;
    for (size_t i = 0; i < columns->len; i++)
        columns->by_name[i] = i;
    qsort_r(columns->by_name, len, sizeof *columns->by_name, compare_columns,
            (void *)(uintptr_t)name);
    for (size_t i = 1; i < columns->len; i++)
        if (strcmp(name[columns->by_name[i - 1]], name[columns->by_name[i]]) == 0)
            columns->len = 0;
    if (columns->len == 0 || make_labels(columns))
        return true;
    relud_json_columns_close(columns);
    return false;
}

void relud_json_columns_close(struct relud_json_columns *columns)
{
    free(columns->by_name);
    free(columns->label);
    *columns = (struct relud_json_columns){0};
}

static bool is_name(const struct json_key *key, const char *name)
{
    if (strncmp(name, key->at, key->len) == 0 && !name[key->len] &&
        !memchr(key->at, '\\', key->len))
        return true;
    return json_string_compare_text(key->at, key->len, name, strlen(name)) == 0;
}

size_t json_find_column(const struct relud_json_columns *columns, const struct json_key *key,
                        size_t next)
{
    if (next < columns->len && is_name(key, columns->name[next]))
        return next;
    for (size_t low = 0, high = columns->len; low < high;) {
        size_t middle = (low + high) / 2, column = columns->by_name[middle];
        const char *name = columns->name[column];
        int order = json_string_compare_text(key->at, key->len, name, strlen(name));
        if (order == 0)
            return column;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return columns->len;
}

bool json_fail_unknown(struct json_walk *walk, const char *path, const struct json_key *key,
                       const struct relud_json_columns *columns)
{
    return json_fail(
        walk, RELUD_BAD_INPUT, "%s: the model has no column \"%.*s\"; its %zu begin with \"%.40s\"",
        path, (int)json_string_cut(key->at, key->len, 40), key->at, columns->len, columns->name[0]);
}
