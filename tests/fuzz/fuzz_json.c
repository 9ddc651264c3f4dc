/* libFuzzer on the request reader: a body with its number array, in every form. What is accepted must be what was promised, and
 * in pieces it must be the same. */
#include "tests/fuzz/fuzz.h"

#include "core/base/words.h"

#include <math.h>
#include <relud/relud.h>

enum { REST = 4096, TENSORS = 4 };

/* Reads the text again, about `bytes` at a time. */
static void check_pieces(const char *text, size_t len, size_t bytes, struct relud_json_array again,
                         bool is_read, const float *values, size_t count, const char *rest,
                         const struct relud_error *error)
{
    char others[REST];
    struct relud_json_pause pause = {.bytes = bytes};
    struct relud_json_array array;
    struct relud_error failure;
    bool is_again;
    bool is_parts = again.tensor; /* the numbers lie here and there in all of the room */
    again.values = calloc(again.capacity + 1, sizeof *again.values);
    do {
        array = again;
        is_again =
            relud_json_read_piece(text, len, "inputs", &array, &pause, others, REST, &failure);
        FUZZ_ASSERT(pause.at == 0 || !is_again);
    } while (pause.at);
    FUZZ_ASSERT(is_again == is_read);
    if (is_read)
        FUZZ_ASSERT(array.count == count && strcmp(rest, others) == 0 &&
                    memcmp(values, again.values,
                           (is_parts ? again.capacity : count) * sizeof *values) == 0);
    else
        FUZZ_ASSERT(failure.code == error->code && strcmp(failure.text, error->text) == 0);
    free(again.values);
}

/* Words, a number that may be missing, a boolean and a number, as inputs of a model. */
static const struct relud_features *features_with_words(void)
{
    static const char *const cities[] = {"Rome", "Oslo", "", "\xc3\xa9"};
    static struct arena arena;
    static struct relud_words words, open;
    static const struct relud_feature at[] = {{.words = &words},
                                              {.words = &open, .is_imputed = true},
                                              {.is_imputed = true},
                                              {.is_boolean = true},
                                              {0}};
    static const struct relud_features features = {
        .at = at, .len = 5, .has_words = true, .has_imputed = true, .has_booleans = true};
    struct relud_error error;
    if (words.count == 0) {
        FUZZ_ASSERT(words_make(&words, &arena, cities, 4, &error) &&
                    words_make(&open, &arena, cities, 2, &error));
        open.takes_unknown = true;
        open.missing = 1;
    }
    return &features;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    if (len < 1)
        return 0;
    size_t text_len = len - 1;
    char *text = fuzz_copy(bytes + 1, text_len, 0), rest[REST];
    size_t capacity = bytes[0] & 1 ? text_len / 2 + 1 : text_len / 8;
    float *values = calloc(capacity + 1, sizeof *values);
    static const enum relud_json_form forms[] = {RELUD_JSON_PLAIN, RELUD_JSON_NAMED,
                                                 RELUD_JSON_NAMED_ROWS, RELUD_JSON_TENSOR};
    static const struct relud_json_member others[] = {{"instances", RELUD_JSON_NAMED_ROWS},
                                                      {"split", RELUD_JSON_SPLIT}};
    static const char *const names[] = {"a", "b"};
    static size_t by_name[] = {0, 1};
    static const struct relud_json_columns columns = {names, 2, by_name, NULL};
    static const char *const inputs[] = {"a", "b", "n", "xy"};
    static size_t inputs_by_name[] = {0, 1, 2, 3}, first[] = {0, 1, 2, 3, 5};
    static const struct relud_json_columns parts = {inputs, 4, inputs_by_name, first};
    struct relud_json_tensor tensor[TENSORS];
    bool has_words = bytes[0] & 128;
    static const struct relud_feature at[] = {{.is_imputed = true}, {0}};
    static const struct relud_features imputed = {.at = at, .len = 2, .has_imputed = true};
    struct relud_json_array array = {.values = values,
                                     .capacity = capacity,
                                     .form = forms[bytes[0] >> 1 & 3],
                                     .name = "x",
                                     .columns = has_words       ? &parts
                                                : bytes[0] & 16 ? &columns
                                                                : NULL,
                                     .feature = has_words       ? features_with_words()
                                                : bytes[0] & 64 ? &imputed
                                                                : NULL,
                                     .tensor = has_words && bytes[0] & 16 ? tensor : NULL,
                                     .tensors_max = TENSORS,
                                     .other = others,
                                     .others = bytes[0] & 8 ? 2 : 0,
                                     .may_be_bare = bytes[0] & 32};
    const struct relud_json_array before = array;
    struct relud_error error = {0};
    bool is_read = relud_json_read(text, text_len, "inputs", &array, rest, REST, &error);
    FUZZ_ASSERT(is_read || (error.text[0] && !strchr(error.text, '\n') && error.code != RELUD_OK));
    if (is_read) {
        size_t product = 1;
        for (size_t d = 0; d < array.rank; d++)
            product *= array.shape[d];
        FUZZ_ASSERT(!array.is_present || array.form == RELUD_JSON_TENSOR || product == array.count);
        for (size_t i = 0; array.form != RELUD_JSON_TENSOR && i < array.count; i++)
            FUZZ_ASSERT(isfinite(values[i]) || (isnan(values[i]) && array.has_missing));
        FUZZ_ASSERT(!array.has_missing || array.feature);
        FUZZ_ASSERT(relud_json_check(rest, strlen(rest), NULL));
    }
    check_pieces(text, text_len, bytes[0] >> 4, before, is_read, values, array.count, rest, &error);
    free(values);
    free(text);
    return 0;
}
