#include "core/json/write.h"

#include "core/base/json_string.h"
#include <math.h>
#include <relud/text.h>
#include <string.h>

/* The text is converted in pieces, so no memory needs to be allocated. */
void put_string(FILE *file, const char *text)
{
    enum { PIECE = 128 };
    char json[6 * PIECE + 2];
    fputc('"', file);
    for (size_t left = strlen(text), some; left; text += some, left -= some) {
        some = json_string_cut(text, left, PIECE);
        some = some ? some : left < PIECE ? left : PIECE; /* not UTF-8: it gets replaced */
        size_t len = relud_json_string(text, some, json);
        fwrite(json + 1, 1, len - 2, file);
    }
    fputc('"', file);
}

void put_number(FILE *file, float value)
{
    char text[RELUD_FLOAT_TEXT_MAX] = "";
    if (isfinite(value))
        fwrite(text, 1, relud_float_to_text(value, text), file);
    else
        fputs("null", file);
}

void put_number_member(FILE *file, const char *key, double value)
{
    fprintf(file, ", \"%s\": ", key);
    put_number(file, (float)value);
}
