/* Shared by the readers of training data: core/data/dataset.c reads the rows,
 * core/data/dataset_targets.c their targets. */
#ifndef CORE_DATA_DATASET_H
#define CORE_DATA_DATASET_H

#include "core/base/arena.h"
#include "core/data/csv.h"
#include <relud/train.h>

struct relud_dataset_memory {
    struct arena arena;
    /* The data file and the labels file; rows and cells may point into them. */
    char *text[2];
    void *table[4]; /* arrays allocated by csv_open */
};

/* The targets as the file has them: either numbers, or cells of a text table. */
struct raw_targets {
    const struct rows_source *source;
    size_t rows, columns;
    const float *numbers;            /* [rows][columns], or NULL */
    const struct csv_cell *cells;    /* [rows][columns], or NULL */
    const struct relud_table *table; /* how the cells write numbers */
};

/* Fills in data->outputs and data->targets (regression), or data->labels, label and classes
 * (classification). On failure returns false and sets *raw->source->error. */
bool dataset_take_targets(struct relud_dataset *data, const struct raw_targets *raw,
                          const struct relud_dataset_options *options);

#endif
