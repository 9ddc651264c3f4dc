/* Options as a table: name, kind, default, bounds and help of each, which parsers and help texts read. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_TEXT,   /* char *, the options' own copy */
    OPTION_LIST,   /* the same; given again, more of it, with commas between */
    OPTION_COUNT,  /* size_t, min … max */
    OPTION_REAL,   /* double, min … max */
    OPTION_CHOICE, /* int: the position in "a|b|c" */
    OPTION_FLAG,   /* bool; takes no value */
};

struct option {
    const char *name; /* without the dashes */
    enum option_kind kind;
    size_t offset;     /* in the struct that the options fill */
    const char *value; /* the default, as text */
    const char
        *choices; /* of OPTION_CHOICE; of others, what stands for the value in the help, or NULL */
    double min, max;
    const char *help;
};

struct options {
    const struct option *option;
    size_t len;
    const char *other; /* a name with a value that is not in the table, or NULL */
};

const struct option *options_find(const struct options *options, const char *name);
/* `origin` is how the user wrote it: --workers, RELUD_WORKERS, or a file's key. */
bool option_set(void *base, const struct option *option, const char *origin, const char *value,
                struct relud_error *error);
bool options_set_defaults(const struct options *options, void *base, struct relud_error *error);
/* Adds to an OPTION_LIST. */
bool option_append(void *base, const struct option *option, const char *value,
                   struct relud_error *error);
/* The value as it could be typed again; in `buffer` where it is no text of the options' own. */
const char *option_text(const void *base, const struct option *option, char *buffer, size_t size);
void options_free(const struct options *options, void *base); /* the texts */
void options_print_help(const struct options *options);

/* One word of a command line. */
struct option_word {
    const char *word;            /* that is no option: all else is NULL */
    const char *name, *value;    /* of --name value, --name=value or a flag */
    const struct option *option; /* or NULL, for options.other */
    char buffer[64], origin[72]; /* "--name" */
};

/* The next word of argv from *at on, *at going beyond it. False and *error for an unknown name, a value that is missing or
 * a word such as -x. */
bool options_next(const struct options *options, int argc, char **argv, int *at,
                  struct option_word *word, struct relud_error *error);

#endif
