/* Options as tables. One table feeds the parser, the environment, the help, the manual page and
 * the shells' completion. */
#ifndef SERVER_SETTINGS_OPTIONS_H
#define SERVER_SETTINGS_OPTIONS_H

#include <relud/error.h>
#include <relud/guess.h>
#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_TEXT,   /* char *, a copy that options_free frees */
    OPTION_LIST,   /* the same; values of a repeated option are joined by commas */
    OPTION_LINES,  /* the same, joined by line ends, for values that may hold commas */
    OPTION_COUNT,  /* size_t, min … max */
    OPTION_REAL,   /* double, min … max; where the default is "auto", that is a value too: NaN */
    OPTION_CHOICE, /* int: the position in "a|b|c" */
    OPTION_FLAG,   /* bool; takes no value */
};

struct option {
    const char *name; /* without the dashes */
    enum option_kind kind;
    size_t offset;       /* in the struct that the options fill */
    const char *value;   /* the default, as text */
    const char *choices; /* of OPTION_CHOICE; of others the value's name in the help, or NULL: N */
    double min, max;
    const char *help; /* sentences: what it does first, then rules */
};

/* A heading in the help: its options are those from `first` up to the next group's. */
struct option_group {
    const char *first, *title;
};

/* Everything that the command line of one command may hold. */
struct options {
    const struct option *option;
    size_t len;
    const char *words; /* the other arguments as the usage shows them: "MODEL [FILE]", "MODEL..." */
    const struct option_group *groups; /* up to {NULL, NULL}; NULL: the options have no headings */
};

#define OPTIONS_MAX 128 /* of one command */

/* The arguments that are no options. at[max] is the caller's, and may be argv + 1 itself. */
struct option_words {
    const char **at;
    size_t max, len;
};

const struct option *options_find(const struct options *options, const char *name);
/* Offers every name of the table. */
void options_guess(const struct options *options, struct relud_guess *guess);
/* `origin` is how the user wrote it: --workers, RELUD_WORKERS, or a file's key. */
bool option_set(void *base, const struct option *option, const char *origin, const char *value,
                struct relud_error *error);
bool options_set_defaults(const struct options *options, void *base, struct relud_error *error);
/* Returns the value as it could be typed again. It is in `buffer` unless it is a text of the
 * options' own. */
const char *option_text(const void *base, const struct option *option, char *buffer, size_t size);
void options_free(const struct options *options, void *base); /* frees the texts */
/* The value's name in help and messages: "FILE", "on|off", "N"; NULL for a flag. */
const char *option_value_name(const struct option *option);

/* Reads argv[1…]: --name value, --name=value, flags and other arguments in any order. After "--"
 * there are no options. A lone "-" is an argument. An option that is not given stays as it is.
 * Returns false and sets *error for an unknown name, for a missing or wrong value, and for fewer
 * or more arguments than options->words has. */
bool options_read(const struct options *options, int argc, char **argv, void *base,
                  struct option_words *words, struct relud_error *error);

/* Says on stderr what is wrong with a command line, in one line; returns the exit status. */
int options_refuse(const char *command, const struct relud_error *error);

/* True when argv[1…] asks for help (--help, -h) where an option could stand. */
bool options_ask_help(const struct options *options, int argc, char **argv);

#endif
