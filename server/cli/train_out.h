/* Where a trained model is written: beside its place, in DIR.part, and then moved there whole.
 * DIR.part also keeps the checkpoint of a training that was interrupted. */
#ifndef SERVER_CLI_TRAIN_OUT_H
#define SERVER_CLI_TRAIN_OUT_H

#include <relud/relud.h>
#include <stdbool.h>

enum { TRAIN_PATH_BYTES = 4000 };

struct train_out {
    bool may_replace;
    int lock; /* a descriptor of part, locked so that nobody else trains there; 0: not yet open */
    char dir[TRAIN_PATH_BYTES], part[TRAIN_PATH_BYTES + 8];
    char checkpoint[TRAIN_PATH_BYTES + 64];
    char model[TRAIN_PATH_BYTES + 64]; /* the directory in part that becomes dir */
};

/* Checks, before anything is computed, that DIR can be written and does not exist unless it may be
 * replaced. */
bool train_out_open(struct train_out *out, const char *dir, bool is_resume, bool is_overwrite,
                    struct relud_error *error);
/* Call it when settings and data are right. Without --resume it removes an interrupted training's
 * checkpoint. */
void train_out_begin(const struct train_out *out, bool is_resume);
/* Puts the model and its learning curve (a text, or NULL) into DIR. */
bool train_out_save(const struct train_out *out, const relud_model *model, const char *name,
                    const char *curve, struct relud_error *error);
/* Ends the use of DIR.part, also after train_out_open has failed. The checkpoint stays if the
 * training may be resumed. */
void train_out_close(const struct train_out *out, bool keeps_checkpoint);

#endif
