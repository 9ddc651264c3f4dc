/* Checks that settings and data fit each other, and describes them for the checkpoint. */
#include "core/train/trainer.h"

#include "core/base/random.h"
#include "core/net/inputs.h"
#include <stdio.h>
#include <string.h>

/* Checks what a caller of the library may get wrong. */
static bool check_numbers(const struct trainer *trainer)
{
    const struct relud_train_config *config = trainer->config;
    const struct relud_dataset *data = trainer->data;
    if (config->isa > relud_isa_best())
        return relud_fail(trainer->error, RELUD_UNSUPPORTED, "this CPU has no %s",
                          relud_isa_name(config->isa));
    if (config->layers < 1 || config->layers > RELUD_TRAIN_LAYERS_MAX || config->epochs < 1 ||
        config->batch < 1 || (config->schedule == RELUD_SCHEDULE_STEP && config->step_epochs < 1))
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "layers, epochs, batch and the schedule's epochs must be at least 1");
    for (size_t i = 0; i < config->layers; i++)
        if (config->layer[i].units < 1)
            return relud_fail(trainer->error, RELUD_BAD_INPUT, "layer %zu has no units", i);
    for (size_t r = 0; data->classes && r < data->rows; r++)
        if (data->classes[r] >= data->labels)
            return relud_fail(trainer->error, RELUD_BAD_INPUT, "row %zu: class %u of %zu", r,
                              data->classes[r], data->labels);
    return true;
}

/* What nets with words cannot have. */
static bool check_words(const struct trainer *trainer)
{
    const struct relud_train_config *config = trainer->config;
    const struct relud_dataset *data = trainer->data;
    if (!data->feature)
        return true;
    if ((config->scale != 0 && config->scale != 1) || config->shift != 0)
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "a table with categories is scaled by --standardize, not by --scale or "
                          "--shift");
    if (data->features > INPUTS_MAX)
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "a table with categories has %zu columns; at most %d are taken",
                          data->features, INPUTS_MAX);
    size_t width = train_input_width(data);
    return width <= MODEL_WIDTH_MAX ||
           relud_fail(trainer->error, RELUD_BAD_INPUT, "%zu categories; at most %d are taken",
                      width, MODEL_WIDTH_MAX);
}

bool trainer_check(const struct trainer *trainer, const struct relud_dataset *validation,
                   const struct relud_dataset *test)
{
    const struct relud_train_config *config = trainer->config;
    const struct relud_dataset *data = trainer->data, *others[] = {validation, test};
    if (!check_numbers(trainer))
        return false;
    const struct relud_train_layer *last = &config->layer[config->layers - 1];
    bool is_regression = config->task == RELUD_TASK_REGRESSION;
    size_t wanted = last->units == 1 ? 2 : last->units;
    if (is_regression != (data->outputs > 0) || (is_regression && data->outputs != last->units) ||
        (!is_regression && data->labels != wanted))
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "the last layer's %zu units do not fit the targets", last->units);
    if (!is_regression && last->activation && last->activation != relud_activation_find("identity"))
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "a classification learns logits: its last layer has no activation");
    for (size_t i = 0; i < 2; i++)
        if (others[i] && (others[i]->features != data->features ||
                          others[i]->outputs != data->outputs || others[i]->labels != data->labels))
            return relud_fail(trainer->error, RELUD_BAD_INPUT,
                              "the %s rows are of another shape than those to train on",
                              i ? "test" : "validation");
    if (!check_words(trainer))
        return false;
    if (config->augment_shift && (!data->height || config->augment_shift >= data->height ||
                                  config->augment_shift >= data->width))
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "rows of %zu features are no images that can be moved by %zu",
                          data->features, config->augment_shift);
    return true;
}

/* ---- the checkpoint's settings ---- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const char *at = bytes;
    for (; len >= sizeof hash; at += sizeof hash, len -= sizeof hash) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = random_mix(hash ^ word);
    }
    uint64_t rest = len;
    memcpy((char *)&rest + 1, at, len);
    return random_mix(hash ^ rest);
}

static uint64_t hash_data(uint64_t hash, const struct relud_dataset *data)
{
    size_t count = data->rows * data->features;
    hash = data->bytes ? hash_bytes(hash, data->bytes, count)
                       : hash_bytes(hash, data->values, count * sizeof *data->values);
    for (size_t f = 0; f < data->features; f++) {
        const struct relud_words *words = relud_words_of(data->feature, f);
        for (size_t i = 0; words && i < words->count; i++)
            hash = hash_bytes(hash, words->word[i], strlen(words->word[i]));
    }
    return data->classes ? hash_bytes(hash, data->classes, data->rows * sizeof *data->classes)
                         : hash_bytes(hash, data->targets,
                                      data->rows * data->outputs * sizeof *data->targets);
}

bool trainer_write_settings(struct trainer *trainer, const struct relud_dataset *validation)
{
    const char *recipe = trainer->config->recipe ? trainer->config->recipe : "";
    size_t room = strlen(recipe) + 160;
    char *settings = arena_take(&trainer->arena, room);
    if (!settings)
        return relud_fail(trainer->error, RELUD_NO_MEMORY, "out of memory");
    uint64_t hash = hash_data(1, trainer->data);
    if (validation)
        hash = hash_data(hash, validation);
    snprintf(settings, room, "%s; %zu of %zu rows of %zu; %zu parameters; %016llx%s", recipe,
             trainer->trained, trainer->data->rows, trainer->data->features,
             trainer->learner.parameters_len, (unsigned long long)hash,
             trainer->learner.loss.std ? "; standardized targets" : "");
    trainer->checkpoint.settings = settings;
    return true;
}
