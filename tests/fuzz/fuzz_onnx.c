/* libFuzzer on the ONNX loader: bytes as a file. Most are only read; some small ones are packed and run, too. */
#include "core/onnx/onnx.h"

#include "tests/fuzz/fuzz.h"
#include <relud/relud.h>

static void read_only(const char *path)
{
    struct relud_error error;
    struct arena arena = {0};
    struct model_source *source = calloc(1, sizeof *source);
    source->arena = &arena;
    source->error = &error;
    onnx_read(source, path);
    model_source_close(source);
    arena_reset(&arena);
    free(source);
}

static void load_and_run(const char *path)
{
    struct relud_error error;
    relud_model *model = relud_model_load(path, NULL, &error);
    if (!model)
        return;
    const struct relud_model_info *info = relud_model_info(model);
    float *x = calloc(3 * info->features, sizeof *x), *y = calloc(3 * info->outputs, sizeof *y);
    relud_scratch *scratch = relud_scratch_new(model, 2, &error);
    if (x && y && scratch)
        relud_predict(scratch, x, 3, y);
    relud_scratch_free(scratch);
    free(x);
    free(y);
    relud_model_release(model);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    char path[64];
    int fd = fuzz_file(bytes, len, path);
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + bytes[i];
    if (len < 4096 && sum % 8 == 0)
        load_and_run(path);
    else
        read_only(path);
    close(fd);
    return 0;
}
