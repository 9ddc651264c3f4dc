/* Shows a training's progress on stderr: on a terminal a line that changes, elsewhere one line for
 * each epoch. It also keeps the epochs for the learning curve. */
#ifndef SERVER_CLI_TRAIN_PROGRESS_H
#define SERVER_CLI_TRAIN_PROGRESS_H

#include <relud/relud.h>
#include <stdint.h>

struct train_progress {
    const struct relud_train_config *config;
    bool is_terminal;
    int64_t begin_ns, drawn_ns; /* of the epochs of this run; of the line */
    int64_t told_ns;            /* when the last epoch was printed */
    size_t first_epoch, first_row;
    struct relud_epoch *epoch; /* heap: [epochs] */
    size_t epochs, epochs_cap;
    bool is_short; /* memory ran out: epochs are missing */
    bool is_warned[RELUD_TRAIN_LAYERS_MAX];
};

void train_progress_init(struct train_progress *progress, const struct relud_train_config *config);
void train_progress_show(struct train_progress *progress, const struct relud_progress *at);
/* Clears the changing line. */
void train_progress_end(const struct train_progress *progress);
void train_progress_free(struct train_progress *progress);

#endif
