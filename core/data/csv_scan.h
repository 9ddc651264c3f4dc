/* Looks through a table that is to be learned: which columns hold words, and which words. */
#ifndef CORE_DATA_CSV_SCAN_H
#define CORE_DATA_CSV_SCAN_H

#include "core/base/arena.h"
#include "core/data/csv.h"

enum {
    CSV_CATEGORIES_MAX = 1000, /* of a column; each is an input of the first layer */
    CSV_WORD_BYTES_MAX = 1024,
};

/* Why a column of words cannot be learned. */
enum csv_refusal { CSV_LEARNED, CSV_DIFFERENT, CSV_MANY, CSV_LONG };

struct csv_scan_column;

struct csv_scan {
    /* Set by the caller: columns that are words, or must be numbers, or must be learned, as
     * csv_options.drop has them, or NULL. */
    const char *categorical, *numeric, *keep;
    struct arena *arena; /* of the words */
    bool takes_unknown;
    bool fills;            /* the most frequent word replaces a missing one */
    bool fills_everywhere; /* also in columns where none is missing */

    /* Set by the scan, in the arena. */
    size_t features;
    struct relud_feature *feature; /* [features] */
    unsigned char *refusal;        /* [features], enum csv_refusal */
    size_t *missing;               /* [features]: words that are missing */

    struct csv_scan_column *column; /* [features], private */
    struct arena scratch;
};

/* Each is called by core/data/csv.c: before the first row, for each row, behind the last one. */
bool csv_scan_begin(struct csv_table *table);
bool csv_scan_row(struct csv_table *table);
bool csv_scan_end(struct csv_table *table);
/* Frees what is private. */
void csv_scan_close(struct csv_scan *scan);

#endif
