/* libFuzzer on the ONNX loader: bytes as a file, or '!', an opset's letter and a net as a line of text, as the unit tests have them. Most
 * are only read; some small ones are packed and run, too. */
#include "tests/fuzz/fuzz.h"

#include "core/onnx/onnx.h"
#include "core/onnx/wire.h"
#include "tests/fuzz/fuzz_net.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/stat.h>

/* ---- a net of text ---- */

/* What the maker of nets has taken; a text that is none leaves it at once. */
static struct {
    jmp_buf leave;
    unsigned char *block[4096];
    size_t blocks, len[4096];
} taken;

static void *text_take(const unsigned char *old, size_t len)
{
    size_t at = 0;
    while (at < taken.blocks && taken.block[at] != old)
        at++;
    if (taken.blocks == sizeof taken.block / sizeof *taken.block || len > 1 << 16)
        longjmp(taken.leave, 1);
    unsigned char *block = malloc(len);
    FUZZ_ASSERT(block && (!old || at < taken.blocks));
    if (old)
        memcpy(block, old, taken.len[at]);
    taken.len[taken.blocks] = len;
    return taken.block[taken.blocks++] = block;
}

static void text_forget(void)
{
    while (taken.blocks)
        free(taken.block[--taken.blocks]);
}

#define TESTS_SUITE_H
#define ck_assert_msg(is_right, ...) ((is_right) ? (void)0 : longjmp(taken.leave, 1))
#define ck_assert_uint_lt(a, b)      ck_assert_msg((a) < (b))
#define ck_assert_uint_eq(a, b)      ck_assert_msg((a) == (b))
#define ck_assert_ptr_nonnull(a)     ck_assert_msg(a)
#define realloc(old, len)            text_take(old, len)
#define free(old)                    ((void)(old))
#include "tests/unit/onnx_text.h"
#undef realloc
#undef free

/* Makes a file's bytes of the text; *made needs text_forget. False: it is none. */
static bool make(const char *line, uint64_t opset, struct buffer *made)
{
    if (setjmp(taken.leave))
        return false;
    *made = onnx_of(line, opset);
    return true;
}

/* ---- both ---- */

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
    struct relud_error error = {0};
    relud_model *model = relud_model_load(path, NULL, &error);
    FUZZ_ASSERT(model || error.text[0]);
    if (!model)
        return;
    free(fuzz_net_run(model));
    relud_model_release(model);
}

static void try_file(const unsigned char *bytes, size_t len, unsigned one_in)
{
    char path[64];
    int fd = fuzz_file(bytes, len, path);
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + bytes[i];
    if (len < 4096 && sum % one_in == 0)
        load_and_run(path);
    else
        read_only(path);
    close(fd);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    if (len < 2 || bytes[0] != '!') {
        try_file(bytes, len, 8);
        return 0;
    }
    char *line = fuzz_copy(bytes + 2, len - 2, 1);
    struct buffer made = {0};
    if (make(line, bytes[1] - '0', &made))
        try_file(made.at, made.len, 2);
    text_forget();
    free(line);
    return 0;
}
