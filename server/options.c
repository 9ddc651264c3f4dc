#include "server/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option *options_find(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->len; i++)
        if (strcmp(options->option[i].name, name) == 0)
            return &options->option[i];
    return NULL;
}

static bool set_choice(int *slot, const char *choices, const char *value)
{
    int position = 0;
    for (const char *at = choices; at; position++) {
        const char *bar = strchr(at, '|');
        size_t len = bar ? (size_t)(bar - at) : strlen(at);
        if (len == strlen(value) && strncmp(at, value, len) == 0) {
            *slot = position;
            return true;
        }
        at = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool set_text(char **slot, const char *value, struct relud_error *error)
{
    char *copy = strdup(value);
    if (!copy)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    free(*slot);
    *slot = copy;
    return true;
}

static bool set_count(size_t *slot, const struct option *option, const char *origin,
                      const char *value, struct relud_error *error)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || (double)number < option->min ||
        (double)number > option->max)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%s: '%.80s' is not a whole number from %.0f to %.0f", origin, value,
                          option->min, option->max);
    *slot = number;
    return true;
}

static bool set_real(double *slot, const struct option *option, const char *origin,
                     const char *value, struct relud_error *error)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || isspace((unsigned char)*value) || !isfinite(number) ||
        number < option->min || number > option->max)
        return relud_fail(error, RELUD_BAD_INPUT, "%s: '%.80s' is not a number from %g to %g",
                          origin, value, option->min, option->max);
    *slot = number;
    return true;
}

bool option_set(void *base, const struct option *option, const char *origin, const char *value,
                struct relud_error *error)
{
    void *slot = (char *)base + option->offset;
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_LIST:
        return set_text(slot, value, error);
    case OPTION_CHOICE:
        return set_choice(slot, option->choices, value) ||
               relud_fail(error, RELUD_BAD_INPUT, "%s: '%.80s' is not one of %s", origin, value,
                          option->choices);
    case OPTION_COUNT:
        return set_count(slot, option, origin, value, error);
    case OPTION_REAL:
        return set_real(slot, option, origin, value, error);
    case OPTION_FLAG:
        *(bool *)slot = *value != '\0';
        return true;
    }
    return false;
}

const char *option_text(const void *base, const struct option *option, char *buffer, size_t size)
{
    const void *slot = (const char *)base + option->offset;
    const char *choice = option->choices;
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_LIST:
        return *(char *const *)slot;
    case OPTION_COUNT:
        snprintf(buffer, size, "%zu", *(const size_t *)slot);
        return buffer;
    case OPTION_REAL:
        for (int digits = 6; digits <= 17; digits++) { /* as few as read back to the same */
            snprintf(buffer, size, "%.*g", digits, *(const double *)slot);
            if (strtod(buffer, NULL) == *(const double *)slot)
                break;
        }
        return buffer;
    case OPTION_CHOICE:
        for (int i = 0; i < *(const int *)slot; i++)
            choice = strchr(choice, '|') + 1;
        snprintf(buffer, size, "%.*s", (int)strcspn(choice, "|"), choice);
        return buffer;
    case OPTION_FLAG:
        return *(const bool *)slot ? "on" : "";
    }
    return "";
}

bool option_append(void *base, const struct option *option, const char *value,
                   struct relud_error *error)
{
    char **slot = (char **)(void *)((char *)base + option->offset), *longer = NULL;
    if (asprintf(&longer, "%s,%s", *slot, value) < 0)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    free(*slot);
    *slot = longer;
    return true;
}

bool options_set_defaults(const struct options *options, void *base, struct relud_error *error)
{
    for (size_t i = 0; i < options->len; i++)
        if (!option_set(base, &options->option[i], options->option[i].name,
                        options->option[i].value, error))
            return false;
    return true;
}

void options_free(const struct options *options, void *base)
{
    for (size_t i = 0; i < options->len; i++)
        if (options->option[i].kind == OPTION_TEXT || options->option[i].kind == OPTION_LIST) {
            char **slot = (char **)((char *)base + options->option[i].offset);
            free(*slot);
            *slot = NULL;
        }
}

void options_print_help(const struct options *options)
{
    for (size_t i = 0; i < options->len; i++) {
        const struct option *option = &options->option[i];
        char head[64];
        snprintf(head, sizeof head, "--%s %s", option->name,
                 option->kind == OPTION_FLAG ? ""
                 : option->choices           ? option->choices
                                             : "N");
        printf("  %-38s %s", head, option->help);
        if (option->kind != OPTION_FLAG)
            printf(" (%s)", *option->value ? option->value : "none");
        puts("");
    }
}

bool options_next(const struct options *options, int argc, char **argv, int *at,
                  struct option_word *word, struct relud_error *error)
{
    const char *text = argv[(*at)++];
    *word = (struct option_word){0};
    if (strncmp(text, "--", 2) != 0) {
        word->word = text;
        return *text != '-' || !text[1] ||
               relud_fail(error, RELUD_BAD_INPUT, "unknown option %.80s", text);
    }
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text - 2) : strlen(text + 2);
    if (len >= sizeof word->buffer)
        return relud_fail(error, RELUD_BAD_INPUT, "unknown option %.80s", text);
    memcpy(word->buffer, text + 2, len);
    snprintf(word->origin, sizeof word->origin, "--%s", word->buffer);
    word->name = word->buffer;
    word->option = options_find(options, word->name);
    if (!word->option && !(options->other && strcmp(word->name, options->other) == 0))
        return relud_fail(error, RELUD_BAD_INPUT, "unknown option %s", word->origin);
    if (word->option && word->option->kind == OPTION_FLAG) {
        word->value = "1";
        return !equals || relud_fail(error, RELUD_BAD_INPUT, "%s takes no value", word->origin);
    }
    word->value = equals ? equals + 1 : *at < argc ? argv[(*at)++] : NULL;
    return word->value || relud_fail(error, RELUD_BAD_INPUT, "%s wants a value", word->origin);
}
