/* A forward pass over many rows that several threads share. It is cut into pieces, and whoever has
 * time computes the next one. The answers are the bits of relud_predict. */
#ifndef RELUD_PASS_H
#define RELUD_PASS_H

#include <relud/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One pass at a time, and the memory for it. */
typedef struct relud_pass relud_pass;

/* What a pass reads and writes: rows first … first + rows - 1 of these arrays. x must not overlap
 * the others. */
struct relud_pass_rows {
    const float *x;          /* [][features] */
    float *y;                /* [][outputs] */
    float *const *layer_out; /* NULL, or as in relud_predict_layers, with rows as in y */
    size_t first, rows;
};

enum relud_pass_state {
    RELUD_PASS_MORE, /* a piece was computed: there may be another */
    RELUD_PASS_WAIT, /* nothing to do until other threads have finished their pieces */
    RELUD_PASS_DONE, /* there are no pieces any more */
};

/* A pass without pieces. At most rows_max rows will go through a net together. NULL: out of
 * memory. */
relud_pass *relud_pass_new(size_t rows_max);
/* No thread may be inside relud_pass_work. May be NULL. */
void relud_pass_free(relud_pass *pass);

/* Begins a pass over the first of the rows, as many as are worth one. Returns how many: at least 1.
 * The last pass must be done or stopped. No thread may be inside relud_pass_work, unless the model
 * is the same and the last pass is done. Borrows the model and the arrays until this one is. */
size_t relud_pass_begin(relud_pass *pass, const relud_model *model,
                        const struct relud_pass_rows *rows);

/* Computes the next piece: about a tenth of a millisecond of work. Any number of threads may call
 * it at the same time, each with scratch memory of its own for this model, of any number of rows. A
 * thread sees the answers once it has been told RELUD_PASS_DONE. */
enum relud_pass_state relud_pass_work(relud_pass *pass, relud_scratch *scratch);

/* Gives out no more pieces. The arrays are free once no thread is inside relud_pass_work. */
void relud_pass_stop(relud_pass *pass);

#ifdef __cplusplus
}
#endif

#endif
