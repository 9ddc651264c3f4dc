/* Where a trained model is written: beside its place, in DIR.part, and then moved there whole. DIR.part also keeps the
 * checkpoint of a training that was interrupted. */
#ifndef SERVER_TRAIN_OUT_H
#define SERVER_TRAIN_OUT_H

#include <relud/relud.h>
#include <stdbool.h>

enum { TRAIN_PATH_BYTES = 4000 };

struct train_out {
    bool may_replace;
    int lock; /* of part: nobody else trains there; 0 before */
    char dir[TRAIN_PATH_BYTES], part[TRAIN_PATH_BYTES + 8];
    char checkpoint[TRAIN_PATH_BYTES + 64];
    char model[TRAIN_PATH_BYTES + 64]; /* in part: what will be dir */
};

/* Before anything is computed: whether DIR can be written, and is not there already unless it may be replaced. */
bool train_out_open(struct train_out *out, const char *dir, bool is_resume, bool is_overwrite,
                    struct relud_error *error);
/* Settings and data are right, the training begins: without --resume, what was interrupted before is forgotten. */
void train_out_begin(const struct train_out *out, bool is_resume);
/* DIR becomes the model with its learning curve (a text, or NULL). */
bool train_out_save(const struct train_out *out, const relud_model *model, const char *name,
                    const char *curve, struct relud_error *error);
/* The end, also after train_out_open has failed. The checkpoint stays only when the training may go on. */
void train_out_close(const struct train_out *out, bool keeps_checkpoint);

#endif
