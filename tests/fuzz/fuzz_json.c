/* libFuzzer on the request reader: a body with its number array, in every form. What is accepted must be what was promised. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <relud/relud.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    enum { REST = 4096 };
    if (len < 1)
        return 0;
    size_t text_len = len - 1;
    char *text = fuzz_copy(bytes + 1, text_len, 0), rest[REST];
    size_t capacity = bytes[0] & 1 ? text_len / 2 + 1 : text_len / 8;
    float *values = malloc((capacity + 1) * sizeof *values);
    struct relud_json_array array = {.values = values,
                                     .capacity = capacity,
                                     .form = (enum relud_json_form)(bytes[0] >> 1 & 3),
                                     .name = "x",
                                     .other = bytes[0] & 8 ? "instances" : NULL};
    struct relud_error error = {0};
    bool is_read = relud_json_read(text, text_len, "inputs", &array, rest, REST, &error);
    FUZZ_ASSERT(is_read || (error.text[0] && !strchr(error.text, '\n') && error.code != RELUD_OK));
    if (is_read) {
        size_t product = 1;
        for (size_t d = 0; d < array.rank; d++)
            product *= array.shape[d];
        FUZZ_ASSERT(!array.is_present || array.form == RELUD_JSON_TENSOR || product == array.count);
        for (size_t i = 0; array.form != RELUD_JSON_TENSOR && i < array.count; i++)
            FUZZ_ASSERT(isfinite(values[i]));
        FUZZ_ASSERT(relud_json_check(rest, strlen(rest), NULL));
    }
    free(values);
    free(text);
    return 0;
}
