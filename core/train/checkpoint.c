#include "core/train/checkpoint.h"

#include "core/base/atomic_file.h"
#include "core/format/safetensors.h"
#include "core/format/safetensors_write.h"
#include <relud/text.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS = 6, EPOCH_NUMBERS = sizeof(struct relud_epoch) / sizeof(double) };
_Static_assert(sizeof(struct relud_epoch) % sizeof(double) == 0, "an epoch is written as doubles");

/* The tensors of the file. An epoch's figures are written as they are in memory, because only this
 * program reads the file. */
struct parts {
    struct tensor_entry entry[TENSORS];
    void *values[TENSORS];
    double counts[3]; /* best_epoch and the optimizer's two powers */
};

bool checkpoint_init(struct checkpoint *checkpoint, struct arena *arena, struct relud_error *error)
{
    const struct learner *learner = checkpoint->learner;
    float **array[] = {&checkpoint->best, &checkpoint->parameters, &checkpoint->state[0],
                       &checkpoint->state[1]};
    for (size_t i = 0; i < 2 + learner->states; i++)
        if (!(*array[i] = arena_take_array(arena, learner->parameters_len, sizeof(float))))
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    checkpoint->epoch = arena_take_array(arena, checkpoint->epochs_max, sizeof *checkpoint->epoch);
    if (!checkpoint->epoch)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu epochs",
                          checkpoint->epochs_max);
    return true;
}

void checkpoint_take(struct checkpoint *checkpoint)
{
    const struct learner *learner = checkpoint->learner;
    size_t bytes = learner->parameters_len * sizeof(float);
    memcpy(checkpoint->parameters, learner->parameters, bytes);
    for (size_t s = 0; s < learner->states; s++)
        memcpy(checkpoint->state[s], learner->state[s], bytes);
    checkpoint->powers[0] = checkpoint->optimizer->beta1_power;
    checkpoint->powers[1] = checkpoint->optimizer->beta2_power;
}

static void give_back(const struct checkpoint *checkpoint)
{
    struct learner *learner = checkpoint->learner;
    size_t bytes = learner->parameters_len * sizeof(float);
    memcpy(learner->parameters, checkpoint->parameters, bytes);
    for (size_t s = 0; s < learner->states; s++)
        memcpy(learner->state[s], checkpoint->state[s], bytes);
    checkpoint->optimizer->beta1_power = checkpoint->powers[0];
    checkpoint->optimizer->beta2_power = checkpoint->powers[1];
    learner_refresh(learner);
}

static void set_part(struct parts *parts, size_t index, const char *name, const char *type,
                     void *values, size_t count)
{
    struct tensor_entry *entry = &parts->entry[index];
    *entry = (struct tensor_entry){.type = type, .rank = 1, .shape = {count}};
    strncpy(entry->name, name, sizeof entry->name - 1);
    parts->values[index] = values;
}

static void list_parts(const struct checkpoint *checkpoint, struct parts *parts)
{
    const struct learner *learner = checkpoint->learner;
    size_t len = learner->parameters_len;
    set_part(parts, 0, "parameters", "F32", checkpoint->parameters, len);
    set_part(parts, 1, "best", "F32", checkpoint->best, len);
    set_part(parts, 2, "state0", "F32", checkpoint->state[0], learner->states > 0 ? len : 0);
    set_part(parts, 3, "state1", "F32", checkpoint->state[1], learner->states > 1 ? len : 0);
    set_part(parts, 4, "counts", "F64", parts->counts, 3);
    set_part(parts, 5, "epochs", "F64", checkpoint->epoch, checkpoint->epochs * EPOCH_NUMBERS);
}

static bool put_part(FILE *file, size_t index, const void *what)
{
    const struct parts *parts = what;
    const struct tensor_entry *entry = &parts->entry[index];
    if (entry->shape[0])
        fwrite(parts->values[index], strcmp(entry->type, "F64") == 0 ? 8 : 4, entry->shape[0],
               file);
    return true;
}

/* The settings as a member of __metadata__, named "relud-train/1". */
static char *metadata_of(const char *settings)
{
    size_t len = strlen(settings);
    char *text = malloc(6 * len + 32);
    if (!text)
        return NULL;
    char *at = stpcpy(text, "\"relud-train/1\":");
    at += relud_json_string(settings, len, at);
    *at = '\0';
    return text;
}

bool checkpoint_save(const struct checkpoint *checkpoint, const char *path,
                     struct relud_error *error)
{
    struct atomic_file writer;
    struct parts parts = {
        .counts = {(double)checkpoint->best_epoch, checkpoint->powers[0], checkpoint->powers[1]}};
    char *metadata = metadata_of(checkpoint->settings);
    list_parts(checkpoint, &parts);
    if (!metadata)
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    bool is_saved = atomic_file_open(&writer, path, error);
    if (is_saved) {
        bool is_put =
            put_safetensors(writer.file, metadata, parts.entry, TENSORS, put_part, &parts);
        if (!is_put)
            relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
        is_saved = atomic_file_close(&writer, is_put);
    }
    free(metadata);
    return is_saved;
}

static bool check_settings(const struct checkpoint *checkpoint, const struct relud_file *file,
                           const char *path, struct relud_error *error)
{
    char *metadata = metadata_of(checkpoint->settings);
    if (!metadata)
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    bool is_same = memmem(file->bytes, file->len, metadata, strlen(metadata)) != NULL;
    free(metadata);
    if (!is_same)
        return relud_fail(error, RELUD_BAD_INPUT, "%s: it was made with other settings or data",
                          path);
    return true;
}

/* Checks the epochs' order. The file may hold any bytes, so is_best, a bool, is set anew. An
 * epoch's other figures are only printed. */
static bool check_epochs(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->epochs; i++) {
        struct relud_epoch *epoch = &checkpoint->epoch[i];
        const bool is_best = i + 1 == checkpoint->best_epoch;
        memcpy(&epoch->is_best, &is_best, sizeof is_best);
        if (epoch->epoch != i + 1)
            return false;
    }
    return checkpoint->best_epoch > 0;
}

bool checkpoint_read(struct checkpoint *checkpoint, const char *path, struct relud_error *error)
{
    struct arena arena = {0};
    struct safetensors all;
    struct parts parts = {.counts = {0}};
    struct relud_file file;
    if (!relud_file_read(path, (size_t)64 << 30, &file, error))
        return false;
    bool is_read = safetensors_open(&all, &file, path, &arena, error) &&
                   check_settings(checkpoint, &file, path, error);
    checkpoint->epochs = 0;
    list_parts(checkpoint, &parts);
    for (size_t i = 0; is_read && i < TENSORS; i++) {
        const struct tensor_entry *entry = &parts.entry[i];
        const struct safetensor *tensor = safetensors_find(&all, entry->name);
        size_t size = strcmp(entry->type, "F64") == 0 ? 8 : 4;
        size_t most = i == 5 ? checkpoint->epochs_max * EPOCH_NUMBERS : entry->shape[0];
        bool is_right = tensor && strcmp(tensor->type, entry->type) == 0 &&
                        (i == 5 ? tensor->count <= most && tensor->count % EPOCH_NUMBERS == 0
                                : tensor->count == most);
        if (!is_right)
            is_read = relud_fail(error, RELUD_BAD_INPUT, "%s: no checkpoint of this net (%s)", path,
                                 entry->name);
        else if (tensor->count)
            memcpy(parts.values[i], tensor->bytes, tensor->count * size);
        if (is_read && i == 5)
            checkpoint->epochs = tensor->count / EPOCH_NUMBERS;
    }
    bool is_counted = parts.counts[0] >= 0 && parts.counts[0] <= (double)checkpoint->epochs;
    checkpoint->best_epoch = is_counted ? (size_t)parts.counts[0] : 0;
    memcpy(checkpoint->powers, parts.counts + 1, sizeof checkpoint->powers);
    if (is_read && !check_epochs(checkpoint))
        is_read = relud_fail(error, RELUD_BAD_INPUT, "%s: its epochs are not in order", path);
    if (is_read)
        give_back(checkpoint);
    arena_reset(&arena);
    relud_file_free(&file);
    return is_read;
}
