/* Makes the inputs of a net from model.json's "inputs" and the tensors that they name. */
#include "core/format/model_layers.h"

#include "core/base/words.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One input while it is made. */
struct making {
    struct loading *loading;
    const struct input_json *json;
    struct model_input *input;
    size_t index;
};

enum { PLACE_BYTES = 64 };

static const char *place_of(const struct making *making, const char *member, char *place)
{
    snprintf(place, PLACE_BYTES, "inputs[%zu].%s", making->index, member);
    return place;
}

static bool fail(const struct making *making, const char *member, const char *why)
{
    char place[PLACE_BYTES];
    return relud_fail(making->loading->error, RELUD_BAD_MODEL, "%s: %s %s",
                      making->loading->json_path, place_of(making, member, place), why);
}

static bool no_memory(const struct making *making)
{
    return relud_fail(making->loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                      making->loading->json_path);
}

/* Sets *values to [width] numbers, or to NULL if the vector is not there and `usual` is NULL. */
static bool take_vector(const struct making *making, const char *member,
                        const struct json_vector *vector, const float *usual, const float **values)
{
    size_t width = making->json->about.width;
    char place[PLACE_BYTES];
    *values = NULL;
    if (!vector->is_there && !usual)
        return true;
    if (vector->tensor)
        return (*values = loading_vector(making->loading, place_of(making, member, place),
                                         vector->tensor, width, false, NULL)) != NULL;
    float *same = arena_take_array(making->loading->source->arena, width, sizeof *same);
    for (size_t i = 0; same && i < width; i++)
        same[i] = vector->is_there ? vector->number : *usual;
    *values = same;
    return same || no_memory(making);
}

static bool take_numbers(const struct making *making)
{
    static const float zero = 0, one = 1;
    const struct input_json *json = making->json;
    struct model_input *input = making->input;
    bool is_scaled = json->mean.is_there || json->std.is_there;
    if (!take_vector(making, "missing", &json->missing, NULL, &input->missing) ||
        !take_vector(making, "mean", &json->mean, is_scaled ? &zero : NULL, &input->mean) ||
        !take_vector(making, "std", &json->std, is_scaled ? &one : NULL, &input->std))
        return false;
    for (size_t i = 0; input->std && i < json->about.width; i++)
        if (input->std[i] == 0)
            return fail(making, "std", "is 0, a divisor");
    return true;
}

static bool take_words(const struct making *making)
{
    struct loading *loading = making->loading;
    struct relud_error why;
    struct relud_words *words = arena_take(loading->source->arena, sizeof *words);
    if (!words)
        return no_memory(making);
    if (!words_make(words, loading->source->arena, making->json->category, making->json->categories,
                    &why))
        return why.code == RELUD_NO_MEMORY ? no_memory(making)
                                           : fail(making, "categories:", why.text);
    words->missing = making->json->missing_word;
    making->input->words = words;
    making->input->unknown = making->json->unknown;
    return true;
}

static bool take_embedding(const struct making *making)
{
    struct loading *loading = making->loading;
    struct model_input *input = making->input;
    size_t words = making->json->categories;
    char place[PLACE_BYTES], why[128];
    struct safetensor *tensor =
        loading_tensor(loading, place_of(making, "embedding", place), making->json->embedding);
    if (!tensor)
        return false;
    if (tensor->rank != 2 || tensor->count == 0 || tensor->shape[1] > MODEL_WIDTH_MAX ||
        tensor->shape[0] > WORDS_MAX)
        return fail(making, "embedding", "wants a tensor of two dimensions, at most 1048576 rows");
    snprintf(why, sizeof why, "has %zu rows for %zu categories", tensor->shape[0], words);
    if (words && tensor->shape[0] != words)
        return fail(making, "embedding", why);
    const float *floats = safetensors_floats(tensor, loading->tensors_path,
                                             &loading->source->temporary, loading->error);
    float *table = arena_take_array(loading->source->arena, tensor->count, sizeof *table);
    if (!floats)
        return false;
    if (!table)
        return no_memory(making);
    memcpy(table, floats, tensor->count * sizeof *table);
    input->encoding = INPUT_EMBEDDING;
    input->table_name = making->json->embedding;
    input->table = table;
    input->table_rows = tensor->shape[0];
    input->table_width = tensor->shape[1];
    return true;
}

static bool make_input(const struct making *making)
{
    const struct input_json *json = making->json;
    making->input->about = json->about;
    making->input->encoding = json->categories ? INPUT_ONE_HOT : INPUT_NUMBERS;
    if (json->categories && !take_words(making))
        return false;
    if (json->embedding)
        return take_embedding(making);
    return json->categories || take_numbers(making);
}

bool model_inputs_add(struct loading *loading, size_t *width)
{
    const struct model_json *json = &loading->json;
    struct arena *arena = loading->source->arena;
    struct model_inputs *inputs = arena_take(arena, sizeof *inputs);
    struct model_input *input = arena_take_array(arena, json->inputs, sizeof *input);
    if (!inputs || !input)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->json_path);
    *inputs = (struct model_inputs){.count = json->inputs, .input = input};
    for (size_t i = 0; i < json->inputs; i++) {
        const struct making making = {loading, &json->input[i], &input[i], i};
        if (!make_input(&making))
            return false;
    }
    struct relud_error why = {0};
    loading->source->error = &why;
    bool is_added = inputs_add(loading->source, inputs, width);
    loading->source->error = loading->error;
    return is_added || relud_fail(loading->error, why.code, "%s: %s", loading->json_path, why.text);
}
