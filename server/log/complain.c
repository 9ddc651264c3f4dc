#include "server/log/complain.h"

#include <relud/error.h>
#include <stdarg.h>
#include <stdio.h>

void complain(const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX + 512]; /* room for an error's text and the words before it */
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    fprintf(stderr, "relud: %s\n", words);
}
