#include "server/cli/table_options.h"

#include "server/log/complain.h"
#include <string.h>

struct relud_table table_of(int header, int decimal)
{
    return (struct relud_table){.header = (enum relud_header)header,
                                .decimal = decimal ? ',' : '.'};
}

void table_note_print(const char *command, const char *path, const char *note)
{
    if (*note)
        complain("%s: %s: %s", command, strcmp(path, "-") == 0 ? "standard input" : path, note);
}
