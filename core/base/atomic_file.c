#include "core/base/atomic_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool atomic_file_open(struct atomic_file *writer, const char *path, struct relud_error *error)
{
    *writer = (struct atomic_file){.path = path, .error = error};
    int len = snprintf(writer->part, sizeof writer->part, "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof writer->part)
        return relud_fail(error, RELUD_IO, "%s: the path is too long", path);
    writer->file = fopen(writer->part, "wb");
    return writer->file || relud_fail(error, RELUD_IO, "%s: %s", writer->part, strerror(errno));
}

/* The data is synced to disk before the rename, so a reader finds either the complete file or
 * none. */
bool atomic_file_close(struct atomic_file *writer, bool is_right)
{
    bool is_written =
        !ferror(writer->file) && fflush(writer->file) == 0 && fsync(fileno(writer->file)) == 0;
    int why = errno;
    is_written = fclose(writer->file) == 0 && is_written;
    if (is_right && is_written && rename(writer->part, writer->path) == 0)
        return true;
    if (is_right)
        relud_fail(writer->error, RELUD_IO, "%s: %s", writer->path,
                   strerror(is_written ? errno : why));
    unlink(writer->part);
    return false;
}
