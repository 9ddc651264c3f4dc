/* Finds the columns that the user names: the targets, and those to leave out. */
#include "core/data/csv.h"

#include "core/base/json_string.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_TARGETS_MAX = 1024 };

size_t csv_find_column(const struct csv_table *table, const char *word, size_t len, bool *is_named)
{
    char *end, number[24];
    snprintf(number, sizeof number, "%.*s", (int)(len < 23 ? len : 23), word);
    unsigned long column = strtoul(number, &end, 10);
    if (!*end && *word >= '1' && column <= table->columns)
        return column - 1;
    for (size_t c = 0; table->column && c < table->columns; c++)
        if (strlen(table->column[c]) == len && memcmp(table->column[c], word, len) == 0) {
            *is_named = true;
            return c;
        }
    return CSV_NONE;
}

const char *csv_guess(const struct csv_table *table, const char *word, size_t len,
                      char text[RELUD_GUESS_TEXT_MAX])
{
    char wanted[RELUD_GUESS_TEXT_MAX];
    snprintf(wanted, sizeof wanted, "%.*s", (int)json_string_cut(word, len, sizeof wanted - 1),
             word);
    struct relud_guess guess = {.word = wanted};
    for (size_t c = 0; table->has_header && c < table->columns; c++)
        relud_guess_offer(&guess, table->column[c]);
    return relud_guess_text(&guess, "", text);
}

static bool take_target(struct csv_table *table, size_t column, const char *word, size_t len)
{
    int shown = (int)json_string_cut(word, len, 60);
    if (column == CSV_NONE)
        return rows_fail(table->source, "there is no column '%.*s' among the %zu", shown, word,
                         table->columns);
    if (table->target[column] != CSV_NONE)
        return rows_fail(table->source, "column '%.*s' is %s", shown, word,
                         table->target[column] == CSV_DROPPED ? "the target, but --drop names it"
                                                              : "a target twice");
    if (table->csv->targets == CSV_TARGETS_MAX)
        return rows_fail(table->source, "more than %d targets", CSV_TARGETS_MAX);
    table->target[column] = table->csv->targets++;
    return true;
}

bool csv_find_targets(struct csv_table *table, bool *is_named)
{
    const struct csv_options *options = table->options;
    const char *word = options->target;
    bool has_names = options->target_name != NULL && table->column;
    for (size_t i = 0; has_names && i < options->targets; i++) {
        /* target_name comes from the training table's header. If this table does not have the first
         * of these names, it has no such header, and options->target says where the targets are. */
        const char *name = options->target_name[i];
        size_t column = CSV_NONE;
        for (size_t c = 0; c < table->columns && column == CSV_NONE; c++)
            if (strcmp(table->column[c], name) == 0)
                column = c;
        if (column == CSV_NONE && i == 0)
            break;
        *is_named = true;
        if (!take_target(table, column, name, strlen(name)))
            return false;
    }
    if (table->csv->targets)
        return true;
    if (word && !*word) {
        size_t last = table->columns;
        while (last > 0 && table->target[last - 1] != CSV_NONE)
            last--;
        if (last > 0)
            table->target[last - 1] = table->csv->targets++;
    }
    while (word && *word) {
        size_t len = strcspn(word, ",");
        if (!take_target(table, csv_find_column(table, word, len, is_named), word, len))
            return false;
        word += len + (word[len] == ',');
    }
    return true;
}

/* A table that is read like another may lack columns that were left out there. */
bool csv_find_drops(struct csv_table *table, bool *is_named)
{
    for (const char *word = table->options->drop; word && *word;) {
        size_t len = strcspn(word, ",");
        size_t column = csv_find_column(table, word, len, is_named);
        if (column != CSV_NONE)
            table->target[column] = CSV_DROPPED;
        else if (!table->options->name)
            return rows_fail(table->source, "--drop: there is no column '%.*s' among the %zu",
                             (int)json_string_cut(word, len, 60), word, table->columns);
        word += len + (word[len] == ',');
    }
    return true;
}
