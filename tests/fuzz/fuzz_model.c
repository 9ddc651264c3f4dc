/* libFuzzer on a model directory's files: model.json as text, and a safetensors file. */
#include "core/format/model_json.h"
#include "core/format/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <relud/relud.h>

static void read_json(char *text, size_t len)
{
    struct arena arena = {0};
    struct model_json json;
    struct relud_error error = {0};
    bool is_read = model_json_read(&json, text, len, "model.json", &arena, &error);
    FUZZ_ASSERT(is_read || error.text[0]);
    FUZZ_ASSERT(!is_read || json.layers <= MODEL_LAYERS_MAX);
    arena_reset(&arena);
}

static void read_tensors(char *bytes, size_t len)
{
    struct arena arena = {0};
    struct safetensors all;
    struct relud_file file = {.bytes = bytes, .len = len};
    struct relud_error error = {0};
    bool is_read = safetensors_open(&all, &file, "model.safetensors", &arena, &error);
    FUZZ_ASSERT(is_read || error.text[0]);
    for (size_t i = 0; is_read && i < all.len; i++) {
        const float *values =
            safetensors_floats(&all.tensor[i], "model.safetensors", &arena, &error);
        for (size_t k = 0; values && k < all.tensor[i].count; k++)
            FUZZ_ASSERT(isfinite(values[k]));
    }
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    if (len < 1)
        return 0;
    char *copy = fuzz_copy(bytes + 1, len - 1, 1);
    if (bytes[0] & 1)
        read_json(copy, len - 1);
    else
        read_tensors(copy, len - 1);
    free(copy);
    return 0;
}
