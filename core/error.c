#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>

bool relud_fail(struct relud_error *error, enum relud_code code, const char *format, ...)
{
    if (!error)
        return false;
    *error = (struct relud_error){.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

const char *relud_version(void)
{
    return RELUD_VERSION;
}
