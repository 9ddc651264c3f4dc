/* What the readers of training data share: core/dataset.c has the rows, core/dataset_targets.c what they are to give. */
#ifndef CORE_DATASET_H
#define CORE_DATASET_H

#include "core/arena.h"
#include "core/rows_file.h"
#include <relud/train.h>

struct relud_dataset_memory {
    struct arena arena;
    char *text[2];  /* files that the rest may point into */
    void *table[3]; /* what csv_open made */
};

/* Targets as they were found: columns of numbers, or of cells. */
struct raw_targets {
    const struct rows_source *source;
    size_t rows, columns;
    const float *numbers;         /* [rows][columns], or NULL */
    const struct csv_cell *cells; /* [rows][columns] */
};

/* Fills in outputs and targets, or labels and classes. */
bool dataset_take_targets(struct relud_dataset *data, const struct raw_targets *raw,
                          const struct relud_dataset_options *options);

#endif
