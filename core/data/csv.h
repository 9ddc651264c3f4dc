/* Text tables (CSV and its relatives), read in four layers: cells (core/data/csv_cell.c), records
 * (core/data/csv_text.c), the first record (core/data/csv_head.c, csv_columns.c), rows
 * (core/data/csv.c, csv_words.c). A function that fails returns false and has set *source->error.
 */
#ifndef CORE_DATA_CSV_H
#define CORE_DATA_CSV_H

#include "core/data/rows_file.h"
#include <relud/guess.h>

/* The limit of model.json; longer names are not kept. */
#define CSV_NAMES_BYTES_MAX ((size_t)1 << 20)

#define CSV_NONE    ((size_t)-1)
#define CSV_DROPPED ((size_t)-2) /* of a column's target: the column is left out */

/* One cell. It points into the source's text and is not NUL-terminated. A quoted cell is without
 * its quotes; any other cell is without the blanks around it. */
struct csv_cell {
    const char *at;
    size_t len;
    bool is_quoted; /* a doubled quote in it stands for one quote */
};

/* ---- cells ---- */

enum csv_kind {
    CSV_NUMBER,  /* csv_number reads it */
    CSV_MISSING, /* empty, or a word for a missing value */
    CSV_NUMERIC, /* looks like a number but cannot be read: 1,5 or 3 % or a date */
    CSV_NAME,
};

enum csv_kind csv_kind_of(const struct csv_cell *cell, const struct relud_table *table);
/* True if the cell is one number; *value gets it. A number has an optional sign, digits, an
 * optional exponent, and at most one decimal mark, which may also come before or after all digits.
 * The mark is '.', or table->decimal if set. A number beyond float32's range becomes infinite. */
bool csv_number(const struct csv_cell *cell, const struct relud_table *table, float *value);
/* True for true, yes and T (*value is 1), false, no and F (0). */
bool csv_boolean(const struct csv_cell *cell, float *value);
bool csv_is_missing(const struct csv_cell *cell, const struct relud_table *table);
/* For a cell that is not a number: what it looks like and how to mend it. The text follows "is not
 * a number" in the error. "" when there is nothing to say. */
const char *csv_hint(const struct csv_cell *cell, const struct relud_table *table);

enum { CSV_SHOWN_MAX = 31 };
/* Copies the cell's first bytes, cut between characters, for an error message. Returns `shown`. */
const char *csv_shown(const char *at, size_t len, char shown[CSV_SHOWN_MAX]);
/* Copies the cell's text with each doubled quote made one; returns the length. out needs room for
 * cell->len bytes and gets no NUL. */
size_t csv_unquote(const struct csv_cell *cell, char *out);

/* ---- records ---- */

struct csv_text {
    const struct rows_source *source;
    const char *at, *end; /* the text not yet read */
    /* `record`: the start of the current record. `feed`: the next line feed or `end`; NULL: not
     * searched yet. */
    const char *record, *feed;
    char separator;        /* ' ': any run of blanks and tabs */
    bool is_told;          /* a line sep=… names the separator */
    const char *comment;   /* the last comment line before the first record, or NULL */
    struct csv_cell *cell; /* [cells] of the current record */
    size_t cells, cells_cap;
    size_t cells_max, bytes_max;     /* of a record, and of a cell; 0: any number */
    const struct relud_watch *watch; /* asked after about so many bytes of work; or NULL */
    size_t worked;                   /* since it was asked */
    bool is_ended;                   /* it has said no */
};

/* Skips comment lines and a line sep=…, and finds the separator. The caller has set the limits
 * and the watch. Close the text also after a failure. */
bool csv_text_open(struct csv_text *text, const struct rows_source *source,
                   const struct relud_table *table);
void csv_text_close(struct csv_text *text);
/* Splits the next record that is not empty into cells. At the end of the text, cells is 0. A line
 * ends in LF, CRLF or CR; inside quotes these belong to the cell. */
bool csv_text_next(struct csv_text *text);
/* Splits the comment line into cells, without its leading '#'. If a quote in it does not end on
 * that line, cells is 0. */
bool csv_text_split_comment(struct csv_text *text);

/* The number of the line that `at` is on; the first line is 1. */
size_t csv_line(const struct rows_source *source, const char *at);

/* ---- tables ---- */

struct csv_options {
    struct relud_table table;
    size_t features; /* per row; 0: any number */
    size_t most;     /* of all rows together; 0: any number */
    const struct relud_watch *watch;
    /* [features], or NULL. If the table has a header: the column of each feature. */
    const char *const *name;
    const struct relud_features *feature; /* [features], or NULL: numbers, none missing */
    /* The target columns: names or numbers from 1, separated by commas. "": the last column. NULL:
     * no column is a target. */
    const char *target;
    /* [targets], or NULL. If the table has a header with these names, they are used instead of
     * `target`. */
    const char *const *target_name;
    size_t targets;
    const char *drop;  /* columns to leave out, written as `target`; or NULL */
    bool has_booleans; /* true, yes and T are 1; false, no and F are 0 */
    bool keeps_names;  /* the names will be learned: they must be UTF-8 and distinct */
    bool fill_missing; /* replace a missing cell by its column's mean */
    const float
        *fill; /* [features], or NULL: used instead of the means; NaN: none may be missing */
    /* The means are NaN of features without a missing cell, and there are none if all are so. */
    bool fills_gaps_only;
    /* Columns without any number become 0, and rows without a target are left out. */
    bool is_learned;
    /* [features], or NULL: features whose column is not read, but 0, where this is not 0. */
    const unsigned char *refusal;
    struct csv_scan *scan; /* NULL, or what looks through the table; no rows are kept then */
};

enum { CSV_SEEN_BOOLEAN = 1, CSV_SEEN_NUMBER = 2 /* another than 0 and 1 */ };

struct csv {
    size_t rows, features, targets;
    float *values;           /* [rows][features]; malloc's, as all pointers here */
    struct csv_cell *target; /* [rows][targets]; the cells point into the source's text */
    /* [features], or NULL without a header; points into `names`. "": an imputed feature that has no
     * column. */
    char **name;
    char **target_name; /* [targets], or NULL without a header; points into `names` */
    char *names;
    size_t *place;       /* [features]: the column of each, from 0 on */
    unsigned char *seen; /* [features]: CSV_SEEN_… of each; NULL unless has_booleans */
    float *means; /* [features]: the values used for missing cells; NULL unless fill_missing */
    size_t *gaps; /* [features]: missing cells of each that were filled; NULL unless fill_missing */
    size_t skipped; /* rows without a target that were left out */
    bool has_text;  /* set if reading failed because a cell is no number */
    struct relud_feature
        *feature; /* [features], or NULL; borrowed: csv_leave_out closes its gaps */
    /* A remark for the user, such as which columns were left out; "" if there is none. */
    char note[RELUD_ERROR_TEXT_MAX];
};

bool csv_open(const struct rows_source *source, const struct csv_options *options, struct csv *csv);
void csv_close(struct csv *csv);
/* In core/data/csv_constant.c. Leaves out the columns from which nothing can be learned, because
 * they are constant, count the rows (from 0 or 1) or have a refusal[features] (enum csv_refusal, or
 * NULL), except those that `keep` names, with commas between them (or NULL). The note says which.
 * Without names, or where the rows may be images, all stay: nothing would tell at serving time
 * which are wanted. */
bool csv_leave_out(const struct rows_source *source, struct csv *csv, const char *keep,
                   const unsigned char *refusal);
/* Which features had booleans: [features], not 0 for those; the caller frees it. NULL: none. */
unsigned char *csv_take_booleans(struct csv *csv);
/* Adds to the note what was made of the columns: which had booleans, words, missing cells. */
void csv_note_columns(struct csv *csv);
bool csv_read(const struct rows_source *source, const struct relud_rows_options *options,
              struct relud_rows *rows);

/* A table while it is being read; shared by core/data/csv.c and core/data/csv_head.c. */
struct csv_table {
    const struct rows_source *source;
    const struct csv_options *options;
    struct csv *csv;
    struct csv_text text;
    size_t columns;
    char **column;    /* [columns]: the first record's cells as names; NULL with RELUD_HEADER_NO */
    const char *head; /* start of the first record */
    bool has_header;
    bool is_trailing; /* the first record ends in a separator, which adds no column */
    bool has_gaps;    /* some features have no column: they are NaN in each row */
    bool no_trailing; /* is_trailing was tried, and some line has no such separator */
    size_t *present;  /* [features]: how many cells were not missing; `sum` is their sum */
    double *sum;
    size_t rows_cap;
    char *word; /* [word_bytes]: room for a word without its quotes; NULL: no feature has words */
    size_t word_bytes;
    /* [columns]: the index of the column's feature or target, or CSV_NONE; of a column that
     * options->drop names, target is CSV_DROPPED. */
    size_t *feature, *target;
};

bool csv_no_memory(const struct rows_source *source);
/* Fails at the cell of this column of the current record: "line 2, column 3: 'x' WHYHINT". */
bool csv_fail_cell(const struct csv_table *table, size_t column, const char *why, const char *hint);
/* In core/data/csv_words.c. csv_words_begin takes memory for the next two. csv_word_find: the index
 * of the cell's word, or words->count. csv_read_word: into *value what the cell stands for. */
bool csv_words_begin(struct csv_table *table);
size_t csv_word_find(const struct csv_table *table, const struct csv_cell *cell,
                     const struct relud_words *words);
bool csv_read_word(const struct csv_table *table, size_t column, const struct relud_words *words,
                   float *value);
/* What stands in a row for a missing value of an imputed feature. */
float csv_missing_value(const struct relud_features *feature, size_t f);
/* The end of an error message about a table with only one column: it lists the separators that were
 * looked for. "" for other tables. */
const char *csv_unparted(const struct csv_table *table);
/* In core/data/csv_columns.c. Finds the columns that options->drop names. Sets *is_named if one was
 * found by its name: the table then has a header. */
bool csv_find_drops(struct csv_table *table, bool *is_named);
/* The column with this number (from 1), or else the column with this name. CSV_NONE if there is
 * none. A number wins: in a table without a header, `column` may hold numbers instead of names. */
size_t csv_find_column(const struct csv_table *table, const char *word, size_t len, bool *is_named);
/* Writes "; did you mean 'x'?", or "", for a word that names no column. Returns `text`. */
const char *csv_guess(const struct csv_table *table, const char *word, size_t len,
                      char text[RELUD_GUESS_TEXT_MAX]);
/* Finds the target columns; *is_named as before. */
bool csv_find_targets(struct csv_table *table, bool *is_named);
/* Reads the first record, if there is one. Finds the columns, the purpose of each, and whether the
 * record is a header. The next record that csv_text_next reads is the first row. */
bool csv_head_read(struct csv_table *table);

#endif
