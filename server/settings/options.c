#include "server/settings/options.h"

#include "server/log/complain.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHOICES_BYTES = 256 };

const struct option *options_find(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->len; i++)
        if (strcmp(options->option[i].name, name) == 0)
            return &options->option[i];
    return NULL;
}

void options_guess(const struct options *options, struct relud_guess *guess)
{
    for (size_t i = 0; i < options->len; i++)
        relud_guess_offer(guess, options->option[i].name);
}

static bool set_choice(int *slot, const struct option *option, const char *origin,
                       const char *value, struct relud_error *error)
{
    char choices[CHOICES_BYTES], *rest = NULL, text[RELUD_GUESS_TEXT_MAX];
    struct relud_guess guess = {.word = value};
    snprintf(choices, sizeof choices, "%s", option->choices);
    int position = 0;
    for (char *at = strtok_r(choices, "|", &rest); at; at = strtok_r(NULL, "|", &rest)) {
        if (strcmp(at, value) == 0) {
            *slot = position;
            return true;
        }
        relud_guess_offer(&guess, at);
        position++;
    }
    return relud_fail(error, RELUD_BAD_INPUT, "%s: '%s' is not one of %s%s", origin, value,
                      option->choices, relud_guess_text(&guess, "", text));
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
                          "%s: '%s' is not a whole number from %.0f to %.0f", origin, value,
                          option->min, option->max);
    *slot = number;
    return true;
}

static bool set_real(double *slot, const struct option *option, const char *origin,
                     const char *value, struct relud_error *error)
{
    char *end;
    double number = strtod(value, &end);
    bool may_be_auto = strcmp(option->value, "auto") == 0;
    if (may_be_auto && strcmp(value, "auto") == 0) {
        *slot = NAN;
        return true;
    }
    if (end == value || *end || isspace((unsigned char)*value) || !isfinite(number) ||
        number < option->min || number > option->max)
        return relud_fail(error, RELUD_BAD_INPUT, "%s: '%s' is not a number from %g to %g%s",
                          origin, value, option->min, option->max, may_be_auto ? ", or auto" : "");
    *slot = number;
    return true;
}

/* Reads on or off, as environments and files write it. A flag of a command line is "1", and one
 * that is not given is "". */
static bool set_flag(bool *slot, const char *origin, const char *value, struct relud_error *error)
{
    static const char *const words[] = {"", "0", "off", "false", "no", "1", "on", "true", "yes"};
    enum { FIRST_YES = 5 };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], value) == 0) {
            *slot = i >= FIRST_YES;
            return true;
        }
    return relud_fail(error, RELUD_BAD_INPUT, "%s: '%.80s' is neither on nor off", origin, value);
}

bool option_set(void *base, const struct option *option, const char *origin, const char *value,
                struct relud_error *error)
{
    void *slot = (char *)base + option->offset;
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_LINES:
        return set_text(slot, value, error);
    case OPTION_CHOICE:
        return set_choice(slot, option, origin, value, error);
    case OPTION_COUNT:
        return set_count(slot, option, origin, value, error);
    case OPTION_REAL:
        return set_real(slot, option, origin, value, error);
    case OPTION_FLAG:
        return set_flag(slot, origin, value, error);
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
    case OPTION_LINES:
        return *(char *const *)slot;
    case OPTION_COUNT:
        snprintf(buffer, size, "%zu", *(const size_t *)slot);
        return buffer;
    case OPTION_REAL:
        if (isnan(*(const double *)slot))
            return "auto";
        /* The fewest digits that read back as the same number. */
        for (int digits = 6;; digits++) {
            snprintf(buffer, size, "%.*g", digits, *(const double *)slot);
            if (digits == 17 || strtod(buffer, NULL) == *(const double *)slot)
                return buffer;
        }
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

static bool is_text(const struct option *option)
{
    return option->kind == OPTION_TEXT || option->kind == OPTION_LIST ||
           option->kind == OPTION_LINES;
}

/* Adds a value to a list. */
static bool append(void *base, const struct option *option, const char *value,
                   struct relud_error *error)
{
    char **slot = (char **)(void *)((char *)base + option->offset), *longer = NULL;
    if (asprintf(&longer, "%s%c%s", *slot, option->kind == OPTION_LIST ? ',' : '\n', value) < 0)
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
        if (is_text(&options->option[i])) {
            char **slot = (char **)((char *)base + options->option[i].offset);
            free(*slot);
            *slot = NULL;
        }
}

const char *option_value_name(const struct option *option)
{
    return option->kind == OPTION_FLAG ? NULL : option->choices ? option->choices : "N";
}

/* ---- command lines ---- */

int options_refuse(const char *command, const struct relud_error *error)
{
    complain("%s: %s (see relud help %s)", command, error->text, command);
    return 2;
}

/* One word of a command line. */
struct word {
    const char *text;            /* when it is no option; all else is NULL then */
    const struct option *option; /* when it is --name value, --name=value or a flag */
    const char *value;
    char name[64], origin[72]; /* "--name" */
    bool is_help;
};

static bool unknown(const struct options *options, const char *text, struct relud_error *error)
{
    char name[64], guessed[RELUD_GUESS_TEXT_MAX];
    const char *at = text + strspn(text, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "="), at);
    struct relud_guess guess = {.word = name};
    options_guess(options, &guess);
    return relud_fail(error, RELUD_BAD_INPUT, "unknown option %s%s", text,
                      relud_guess_text(&guess, "--", guessed));
}

/* Reads the word of argv at *at, and moves *at behind it and its value. */
static bool next_word(const struct options *options, int argc, char **argv, int *at,
                      struct word *word, struct relud_error *error)
{
    const char *text = argv[(*at)++];
    *word = (struct word){.is_help = strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0};
    if (word->is_help)
        return true;
    if (*text != '-' || !text[1]) {
        word->text = text;
        return true;
    }
    size_t len = strcspn(text, "=");
    if (strncmp(text, "--", 2) != 0 || len - 2 >= sizeof word->name)
        return unknown(options, text, error);
    memcpy(word->name, text + 2, len - 2);
    snprintf(word->origin, sizeof word->origin, "--%s", word->name);
    word->option = options_find(options, word->name);
    if (!word->option)
        return unknown(options, text, error);
    bool has_value = text[len] == '=';
    if (word->option->kind == OPTION_FLAG) {
        word->value = "1";
        return !has_value || relud_fail(error, RELUD_BAD_INPUT, "%s takes no value", word->origin);
    }
    word->value = has_value ? text + len + 1 : *at < argc ? argv[(*at)++] : NULL;
    return word->value || relud_fail(error, RELUD_BAD_INPUT, "%s needs a value: %s %s",
                                     word->origin, word->origin, option_value_name(word->option));
}

bool options_ask_help(const struct options *options, int argc, char **argv)
{
    struct relud_error passed_over;
    struct word word = {0};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0;) {
        next_word(options, argc, argv, &i, &word, &passed_over);
        if (word.is_help)
            return true;
    }
    return false;
}

static bool add_word(const struct options *options, const char *text, struct option_words *words,
                     struct relud_error *error)
{
    if (words->len < words->max) {
        words->at[words->len++] = text;
        return true;
    }
    if (strstr(options->words, "..."))
        return relud_fail(error, RELUD_TOO_LARGE, "at most %zu arguments can be given: %s",
                          words->max, options->words);
    return relud_fail(error, RELUD_BAD_INPUT, "unexpected argument '%s'", text);
}

/* Counts the arguments that the usage names: how many must be there, and how many may be. */
static void count_words(const char *usage, size_t *least, size_t *most)
{
    *least = *most = 0;
    for (const char *at = usage; *at; at += strspn(at, " ")) {
        *most += 1;
        *least += *at != '[';
        at += strcspn(at, " ");
    }
    if (strstr(usage, "..."))
        *most = SIZE_MAX;
}

static bool check_words(const struct options *options, const struct option_words *words,
                        struct relud_error *error)
{
    size_t least, most;
    count_words(options->words, &least, &most);
    const char *at = options->words;
    for (size_t i = 0; i < words->len; i++)
        at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ');
    return words->len >= least ||
           relud_fail(error, RELUD_BAD_INPUT, "%.*s is missing", (int)strcspn(at, " ."), at);
}

bool options_read(const struct options *options, int argc, char **argv, void *base,
                  struct option_words *words, struct relud_error *error)
{
    bool is_given[OPTIONS_MAX] = {false}, is_ended = false;
    size_t least, most;
    count_words(options->words, &least, &most);
    words->max = words->max < most ? words->max : most;
    words->len = 0;
    for (int i = 1; i < argc;) {
        struct word word = {.text = argv[i]};
        if (!is_ended && strcmp(argv[i], "--") == 0) {
            is_ended = true;
            i++;
            continue;
        }
        if (is_ended)
            i++;
        else if (!next_word(options, argc, argv, &i, &word, error))
            return false;
        if (word.is_help)
            continue;
        bool *given = word.option ? &is_given[word.option - options->option] : NULL;
        bool is_list =
            given && (word.option->kind == OPTION_LIST || word.option->kind == OPTION_LINES);
        bool is_right = !given ? add_word(options, word.text, words, error)
                        : is_list && *given
                            ? append(base, word.option, word.value, error)
                            : option_set(base, word.option, word.origin, word.value, error);
        if (!is_right)
            return false;
        if (given)
            *given = true;
    }
    return check_words(options, words, error);
}
