#include "core/base/boolean.h"

#include <string.h>
#include <strings.h>

bool boolean_read(const char *text, size_t len, float *value)
{
    static const char *const words[] = {"false", "no", "true", "yes"};
    enum { FIRST_TRUE = 2 };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (len == strlen(words[i]) && strncasecmp(text, words[i], len) == 0) {
            *value = i >= FIRST_TRUE;
            return true;
        }
    *value = len == 1 && *text == 'T';
    return len == 1 && (*text == 'T' || *text == 'F');
}
