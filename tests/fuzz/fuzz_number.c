/* libFuzzer on the number codec: what is read must be what the C library reads, and what is written must read back. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <relud/relud.h>

/* strtod on exactly the bytes that were taken, rounded to float as the codec says it does. */
static void check_reading(const char *text, size_t len)
{
    float value;
    size_t taken = relud_text_to_float(text, len, &value);
    FUZZ_ASSERT(taken <= len);
    if (taken == 0)
        return;
    char *copy = fuzz_copy((const unsigned char *)text, taken, 1), *end;
    float wanted = (float)strtod(copy, &end);
    FUZZ_ASSERT(*end == '\0' && memcmp(&value, &wanted, sizeof value) == 0);
    free(copy);
}

static void check_writing(const unsigned char *bytes)
{
    float value, back;
    char text[RELUD_FLOAT_TEXT_MAX];
    memcpy(&value, bytes, sizeof value);
    size_t len = relud_float_to_text(value, text);
    FUZZ_ASSERT(len > 0 && len <= RELUD_FLOAT_TEXT_MAX);
    if (isfinite(value))
        FUZZ_ASSERT(relud_text_to_float(text, len, &back) == len &&
                    memcmp(&value, &back, sizeof value) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    char *text = fuzz_copy(bytes, len, 0);
    check_reading(text, len);
    for (size_t i = 0; i + 4 <= len; i += 4)
        check_writing(bytes + i);
    free(text);
    return 0;
}
