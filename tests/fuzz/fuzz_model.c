/* libFuzzer on model.json, safetensors files, model directories and state dicts. By the two low bits of the first byte:
 * 0: a safetensors file; 1: a model.json; 2: a model.json, a NUL and a safetensors file, as a directory;
 * 3: a byte of options, an activation, a NUL and a safetensors file, as a state dict.
 * Instead of the safetensors file of 2 and 3 there may be '#' and what it holds: "fc1.weight[8,4] fc1.bias[8]".
 * A model that loads is run on odd rows, and is the same after it was saved. */
#include "core/format/model_dir.h"
#include "core/format/model_json.h"
#include "core/format/safetensors.h"
#include "core/format/state_dict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_net.h"

#include <stdint.h>

enum { NUMBERS = 1 << 14 }; /* of tensors that are listed */

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

/* ---- files that make a model ---- */

/* Two folders in memory, made once; the first is for what is read, the second for what is saved. */
static const char *folder(size_t which)
{
    static char path[2][64];
    for (size_t i = 0; !path[1][0] && i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/relud-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_ASSERT(mkdtemp(path[i]));
    }
    return path[which];
}

static const char *file_in(size_t which, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder(which), name);
    return path;
}

static void forget_files(size_t which)
{
    char path[128];
    unlink(file_in(which, "model.json", path));
    unlink(file_in(which, "model.safetensors", path));
}

static void write_file(const char *name, const char *bytes, size_t len)
{
    char path[128];
    FILE *file = fopen(file_in(0, name, path), "wb");
    FUZZ_ASSERT(file && fwrite(bytes, 1, len, file) == len);
    fclose(file);
}

/* Puts the tensor that `text` begins with into the header and returns what follows it, or NULL. */
static const char *put_tensor(const char *text, FILE *header, float *number, size_t *count)
{
    const char *dims = strchr(text, '['), *end = dims ? strchr(dims, ']') : NULL;
    size_t product = 1, from = *count;
    if (!end || strcspn(text, "\"\\") < (size_t)(end - text))
        return NULL;
    for (const char *at = dims + 1; at < end; at++) {
        size_t size = strtoul(at, NULL, 10);
        if (size > NUMBERS || product * size > NUMBERS - *count)
            return NULL;
        product *= size;
        at += strcspn(at, ",]");
    }
    bool is_variance = memmem(text, (size_t)(dims - text), "var", 3) != NULL;
    bool is_counter = memmem(text, (size_t)(dims - text), "num_", 4) != NULL;
    if (is_counter && 2 * product > NUMBERS - *count) /* its numbers take twice the room */
        return NULL;
    for (size_t i = 0; i < product; i++)
        number[(*count)++] = (float)(i % 5) / 4 - (is_variance ? -0.5f : 0.5f);
    *count += is_counter ? product : 0;
    fprintf(header, "%s\"%.*s\":{\"dtype\":\"%s\",\"shape\":%.*s,\"data_offsets\":[%zu,%zu]}",
            from ? "," : "", (int)(dims - text), text, is_counter ? "I64" : "F32",
            (int)(end + 1 - dims), dims, 4 * from, 4 * *count);
    return end + 1 + strspn(end + 1, " ");
}

/* Writes a safetensors file of the tensors that the text lists. False: it does not. */
static bool write_tensors(const char *name, const char *text)
{
    static float number[NUMBERS];
    char path[128], *header = NULL;
    size_t count = 0, header_len = 0;
    FILE *file = open_memstream(&header, &header_len);
    FUZZ_ASSERT(file);
    memset(number, 0, sizeof number);
    fputc('{', file);
    while (text && *text)
        text = put_tensor(text, file, number, &count);
    fputc('}', file);
    fclose(file);
    file = fopen(file_in(0, name, path), "wb");
    FUZZ_ASSERT(file && fwrite(&(uint64_t){header_len}, 8, 1, file) == 1 &&
                fwrite(header, 1, header_len, file) == header_len &&
                fwrite(number, sizeof *number, count, file) == count);
    fclose(file);
    free(header);
    return text != NULL;
}

/* Writes bytes[len], or the tensors that they list; a NUL stands behind them. */
static bool write_either(const char *name, const char *bytes, size_t len)
{
    if (len && *bytes == '#')
        return write_tensors(name, bytes + 1);
    write_file(name, bytes, len);
    return true;
}

/* The model in the second folder must answer as `y`, which is freed. */
static void check_saved(const relud_model *model, float *y)
{
    struct relud_error error = {0};
    relud_model *again = relud_model_load(folder(1), NULL, &error);
    if (!again)
        fprintf(stderr, "%s\n", error.text);
    FUZZ_ASSERT(again);
    const struct relud_model_info *info = relud_model_info(model),
                                  *info_again = relud_model_info(again);
    FUZZ_ASSERT(info->features == info_again->features && info->outputs == info_again->outputs);
    float *y_again = fuzz_net_run(again);
    FUZZ_ASSERT(!y || memcmp(y, y_again, FUZZ_ROWS * info->outputs * sizeof *y) == 0);
    free(y);
    free(y_again);
    relud_model_release(again);
    forget_files(1);
}

/* Loads the path and runs it, saves it by itself or as a state dict, and loads that. */
static void load_and_save(const char *path, const struct relud_model_options *options)
{
    struct relud_error error = {0};
    relud_model *model = relud_model_load(path, options, &error);
    FUZZ_ASSERT(model || error.text[0]);
    if (!model)
        return;
    float *y = fuzz_net_run(model);
    bool is_saved = options ? relud_state_dict_save(path, options, folder(1), "n", &error)
                            : relud_model_save(model, folder(1), NULL, &error);
    if (!is_saved)
        fprintf(stderr, "%s\n", error.text);
    FUZZ_ASSERT(is_saved || (!options && error.code == RELUD_UNSUPPORTED));
    if (is_saved)
        check_saved(model, y);
    else
        free(y);
    relud_model_release(model);
}

static void read_only(const char *path, const struct relud_model_options *options)
{
    struct relud_error error = {0};
    struct arena arena = {0};
    struct model_source *source = calloc(1, sizeof *source);
    source->arena = &arena;
    source->error = &error;
    bool is_read = options ? state_dict_read(source, path, options) : model_dir_read(source, path);
    FUZZ_ASSERT(is_read || error.text[0]);
    for (size_t i = 0; is_read && i < source->info.notes; i++)
        FUZZ_ASSERT(source->note[i] && source->note[i][0]);
    model_source_close(source);
    arena_reset(&arena);
    free(source);
}

static bool is_one_in(unsigned many, const char *bytes, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)bytes[i];
    return sum % many == 0;
}

static void read_dir(const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\0', len);
    if (!end)
        return;
    write_file("model.json", bytes, (size_t)(end - bytes));
    if (!write_either("model.safetensors", end + 1, len - (size_t)(end + 1 - bytes)))
        return;
    if (is_one_in(2, bytes, len))
        load_and_save(folder(0), NULL);
    else
        read_only(folder(0), NULL);
    forget_files(0);
}

static void read_dict(const char *bytes, size_t len)
{
    char path[128];
    const char *end = len ? memchr(bytes + 1, '\0', len - 1) : NULL;
    if (!end)
        return;
    const struct relud_model_options options = {.activation = bytes[1] ? bytes + 1 : NULL,
                                                .takes_usual_order = bytes[0] & 1};
    if (!write_either("n.safetensors", end + 1, len - (size_t)(end + 1 - bytes)))
        return;
    file_in(0, "n.safetensors", path);
    if (is_one_in(2, bytes, len))
        load_and_save(path, &options);
    else
        read_only(path, &options);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    if (len < 1)
        return 0;
    char *copy = fuzz_copy(bytes + 1, len - 1, 1);
    switch (bytes[0] & 3) {
    case 0:
        read_tensors(copy, len - 1);
        break;
    case 1:
        read_json(copy, len - 1);
        break;
    case 2:
        read_dir(copy, len - 1);
        break;
    default:
        read_dict(copy, len - 1);
    }
    free(copy);
    return 0;
}
