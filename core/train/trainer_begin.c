/* Begins a training: which rows are trained on, memory, the net's first weights, and the baseline
 * that it is compared with. */
#include "core/train/trainer.h"

#include "core/base/random.h"

static bool no_memory(const struct trainer *trainer)
{
    return relud_fail(trainer->error, RELUD_NO_MEMORY, "out of memory");
}

/* Chooses the rows that are held back for validation. */
static bool split_rows(struct trainer *trainer, const struct relud_dataset *validation)
{
    size_t rows = trainer->data->rows;
    trainer->rows = arena_take_array(&trainer->arena, rows, sizeof *trainer->rows);
    trainer->order = arena_take_array(&trainer->arena, rows, sizeof *trainer->order);
    if (!trainer->rows || !trainer->order)
        return no_memory(trainer);
    if (!validation)
        trainer->held = (size_t)(trainer->config->validation_share * (double)rows + 0.5);
    if (trainer->held == 0 && !validation && trainer->config->validation_share > 0)
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "a validation share of %g of %zu rows is no row",
                          trainer->config->validation_share, rows);
    if (trainer->held >= rows)
        return relud_fail(trainer->error, RELUD_BAD_INPUT, "no rows are left to train on");
    trainer->trained = rows - trainer->held;
    if (trainer->held)
        random_order(random_state(trainer->config->seed, RANDOM_SPLIT, 0, 0), trainer->rows, rows);
    else
        for (size_t i = 0; i < rows; i++)
            trainer->rows[i] = (uint32_t)i;
    return true;
}

static bool take_memory(struct trainer *trainer)
{
    struct arena *arena = &trainer->arena;
    size_t batch = trainer->learner.batch, layers = trainer->learner.layers;
    trainer->target = arena_take_array(arena, batch, sizeof *trainer->target);
    trainer->loss = arena_take_array(arena, batch, sizeof *trainer->loss);
    trainer->is_right = arena_take_array(arena, batch, sizeof *trainer->is_right);
    trainer->tally = arena_take_array(arena, trainer->parts * layers, sizeof *trainer->tally);
    trainer->moved = arena_take_array(arena, trainer->parts, sizeof *trainer->moved);
    bool is_whole =
        trainer->target && trainer->loss && trainer->is_right && trainer->tally && trainer->moved;
    for (size_t p = 0; is_whole && p < trainer->parts; p++)
        is_whole = (trainer->moved[p] =
                        arena_take_array(arena, trainer->input.features, sizeof(float))) != NULL;
    for (size_t i = 0; is_whole && i < trainer->parts * layers; i++)
        is_whole =
            (trainer->tally[i].zeros = arena_take_array(
                 arena, trainer->learner.layer[i % layers].outputs, sizeof(uint32_t))) != NULL;
    return is_whole || no_memory(trainer);
}

/* Mean and deviation of the targets can be folded into the last layer if nothing follows its
 * sums. */
static void measure_baseline(struct trainer *trainer)
{
    struct learner *learner = &trainer->learner;
    if (learner->layer[learner->layers - 1].is_identity && trainer->targets.std) {
        learner->loss.mean = trainer->targets.mean;
        learner->loss.std = trainer->targets.std;
    }
    trainer->baseline = trainer_baseline(trainer, trainer->data, trainer->rows, trainer->trained);
}

bool trainer_begin(struct trainer *trainer, const struct relud_dataset *validation)
{
    const struct relud_train_config *config = trainer->config;
    struct train_input *input = &trainer->input;
    struct checkpoint *checkpoint = &trainer->checkpoint;
    trainer->parts = config->team.run && config->team.parts > 1 ? config->team.parts : 1;
    if (!split_rows(trainer, validation) ||
        !learner_init(&trainer->learner, &trainer->arena, train_input_width(trainer->data), config,
                      trainer->error) ||
        !train_input_init(input, &trainer->arena, config, trainer->data, trainer->rows,
                          trainer->trained, trainer->learner.loops, trainer->error) ||
        !train_targets_init(&trainer->targets, &trainer->arena, trainer->data, trainer->rows,
                            trainer->trained, trainer->error) ||
        !take_memory(trainer))
        return false;
    measure_baseline(trainer);
    if (!trainer_write_settings(trainer, validation))
        return false;
    optimizer_init(&trainer->optimizer, config, trainer->learner.loops);
    checkpoint->learner = &trainer->learner;
    checkpoint->optimizer = &trainer->optimizer;
    checkpoint->epochs_max = config->epochs;
    return checkpoint_init(checkpoint, &trainer->arena, trainer->error) &&
           (!config->is_resumed || checkpoint_read(checkpoint, config->checkpoint, trainer->error));
}
