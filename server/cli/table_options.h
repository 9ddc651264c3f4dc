/* The options that say how a table of rows is written. All commands that read tables have them. */
#ifndef SERVER_CLI_TABLE_OPTIONS_H
#define SERVER_CLI_TABLE_OPTIONS_H

#include <relud/data.h>

/* Two rows of an option table. The options' struct holds them as `int header, decimal`. The
 * choices of --header are in the order of enum relud_header. */
#define TABLE_OPTIONS                                                                              \
    {"header",                                                                                     \
     OPTION_CHOICE,                                                                                \
     AT(header),                                                                                   \
     "auto",                                                                                       \
     "auto|yes|no",                                                                                \
     0,                                                                                            \
     0,                                                                                            \
     "Say whether the first line of a table names its columns. auto means yes when no cell of "    \
     "it is a number."},                                                                           \
    {                                                                                              \
        "decimal", OPTION_CHOICE, AT(decimal), ".", ".|,", 0, 0,                                   \
            "Read the numbers of a table with this decimal point or comma."                        \
    }

#define TABLE_HELP                                                                                 \
    "A model that was trained on named columns finds them by name, in any order, and ignores "     \
    "other columns. For other models, a table must hold the features alone: no target, no words."

struct relud_table table_of(int header, int decimal);

/* Prints "relud: COMMAND: FILE: note" on standard error, about what was left out of a file. Prints
 * nothing when the note is empty. */
void table_note_print(const char *command, const char *path, const char *note);

#endif
