#include "core/train/train_targets.h"

#include "core/kernels/functions.h"
#include <float.h>
#include <math.h>
#include <string.h>

static bool no_memory(struct relud_error *error)
{
    return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

/* Sums are in double, in the order of the rows. The second pass subtracts the mean first, so that
 * nothing cancels. */
static void measure(struct train_targets *targets, const struct relud_dataset *data,
                    const uint32_t *row, size_t count)
{
    for (size_t n = 0; n < data->outputs; n++) {
        double sum = 0, squares = 0;
        bool is_constant = true;
        for (size_t i = 0; i < count; i++)
            sum += (double)data->targets[row[i] * data->outputs + n];
        targets->mean[n] = (float)(sum / (double)count);
        for (size_t i = 0; i < count; i++) {
            float target = data->targets[row[i] * data->outputs + n];
            double away = (double)target - (double)targets->mean[n];
            squares += away * away;
            is_constant &= target == data->targets[row[0] * data->outputs + n];
        }
        float std = (float)sqrt(squares / (double)count);
        targets->std[n] = is_constant || std == 0 ? 1 : fminf(std, FLT_MAX);
    }
}

static void count_classes(struct train_targets *targets, const struct relud_dataset *data,
                          const uint32_t *row, size_t count)
{
    memset(targets->share, 0, data->labels * sizeof *targets->share);
    for (size_t i = 0; i < count; i++)
        targets->share[data->classes[row[i]]]++;
    for (size_t c = 0; c < data->labels; c++) {
        if (targets->share[c] > targets->share[targets->most])
            targets->most = c;
    }
    for (size_t c = 0; c < data->labels; c++)
        targets->share[c] /= (double)count;
}

bool train_targets_init(struct train_targets *targets, struct arena *arena,
                        const struct relud_dataset *data, const uint32_t *row, size_t count,
                        struct relud_error *error)
{
    *targets = (struct train_targets){0};
    if (data->outputs) {
        targets->mean = arena_take_array(arena, data->outputs, sizeof(float));
        targets->std = arena_take_array(arena, data->outputs, sizeof(float));
        if (!targets->mean || !targets->std)
            return no_memory(error);
        measure(targets, data, row, count);
        return true;
    }
    targets->share = arena_take_array(arena, data->labels, sizeof *targets->share);
    if (!targets->share)
        return no_memory(error);
    count_classes(targets, data, row, count);
    return true;
}

double train_targets_loss(const struct train_targets *targets, const struct relud_dataset *data,
                          size_t row, bool *is_right)
{
    double sum = 0;
    *is_right = false;
    if (targets->share) {
        *is_right = data->classes[row] == targets->most;
        return -log_of(fmax(targets->share[data->classes[row]], 1e-12));
    }
    for (size_t n = 0; n < data->outputs; n++) {
        double away = (double)data->targets[row * data->outputs + n] - (double)targets->mean[n];
        sum += away * away;
    }
    return sum / (double)data->outputs;
}
