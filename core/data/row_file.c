/* Rows of a .npy file, read a piece at a time: what is larger than memory, or is wanted by several
 * threads. */
#include "core/base/dtype.h"
#include "core/data/rows_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct relud_row_file {
    char *path;
    int fd;
    off_t begin; /* of the numbers */
    enum relud_dtype dtype;
    bool is_big_endian;
    size_t rows, features;
    const struct relud_features *feature;
};

/* Opens the file if it is a regular one. Returns its head's length, 0 if it is none. */
static size_t read_head(relud_row_file *file, char head[NPY_HEAD_BYTES_MAX], size_t *whole)
{
    struct stat about;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &about) != 0 || !S_ISREG(about.st_mode))
        return 0;
    *whole = (size_t)about.st_size;
    ssize_t len = pread(file->fd, head, NPY_HEAD_BYTES_MAX, 0);
    return len > 0 && npy_is(head, (size_t)len) ? (size_t)len : 0;
}

/* False and *error if the file is wrong. It is *is_rows if its rows lie end to end. */
static bool open_rows(relud_row_file *file, const struct relud_rows_options *options, bool *is_rows,
                      struct relud_error *error)
{
    char head[NPY_HEAD_BYTES_MAX];
    struct relud_npy npy = {0};
    struct relud_error why;
    const struct rows_source source = {.path = file->path, .error = error};
    size_t whole = 0, len = read_head(file, head, &whole);
    if (len == 0)
        return true;
    if (!npy_open_head(head, len, whole, &npy, &why))
        return rows_fail(&source, "%s", why.text);
    if (npy.rank == 0 || (npy.is_fortran && npy.rank > 1))
        return true;
    *is_rows = true;
    file->begin = (const char *)npy.elements - head;
    file->dtype = npy.dtype;
    file->is_big_endian = npy.is_big_endian;
    file->rows = npy.rank == 1 ? 1 : npy.shape[0];
    file->features = npy.count / file->rows;
    if (!rows_may_be_numbers(&source, options->feature))
        return false;
    if (options->features && file->features != options->features)
        return rows_fail(&source, "rows of %zu numbers; %zu are wanted", file->features,
                         options->features);
    file->feature = options->features ? options->feature : NULL;
    return true;
}

bool relud_row_file_open(const char *path, const struct relud_rows_options *options,
                         relud_row_file **file, struct relud_error *error)
{
    bool is_rows = false;
    *file = NULL;
    if (strcmp(path, "-") == 0)
        return true;
    relud_row_file *made = calloc(1, sizeof *made);
    if (!made || !(made->path = strdup(path))) {
        free(made);
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    }
    bool is_right = open_rows(made, options, &is_rows, error);
    if (is_right && is_rows)
        *file = made;
    else
        relud_row_file_close(made);
    return is_right;
}

void relud_row_file_close(relud_row_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file);
}

size_t relud_row_file_rows(const relud_row_file *file)
{
    return file->rows;
}

size_t relud_row_file_features(const relud_row_file *file)
{
    return file->features;
}

static bool read_bytes(const relud_row_file *file, void *bytes, size_t len, off_t at,
                       struct relud_error *error)
{
    for (ssize_t got; len; len -= (size_t)got, at += got, bytes = (char *)bytes + got) {
        got = pread(file->fd, bytes, len, at);
        if (got == 0)
            return relud_fail(error, RELUD_IO, "%s: it has become shorter", file->path);
        if (got < 0 && errno == EINTR)
            got = 0;
        if (got < 0)
            return relud_fail(error, RELUD_IO, "%s: %s", file->path, strerror(errno));
    }
    return true;
}

/* values[count] = the file's numbers from `first` on. */
static bool read_numbers(const relud_row_file *file, size_t first, size_t count, float *values,
                         struct relud_error *error)
{
    char bytes[64 * 1024];
    size_t each = relud_dtype_bytes(file->dtype), most = sizeof bytes / each;
    off_t at = file->begin + (off_t)(first * each);
    bool is_plain = file->dtype == RELUD_FP32 && !file->is_big_endian &&
                    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    if (is_plain)
        return read_bytes(file, values, count * each, at, error);
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < most ? count - done : most;
        if (!read_bytes(file, bytes, some * each, at + (off_t)(done * each), error))
            return false;
        dtype_read(file->dtype, bytes, some, file->is_big_endian, values + done);
    }
    return true;
}

bool relud_row_file_read(const relud_row_file *file, size_t first, size_t rows, float *values,
                         struct relud_error *error)
{
    const struct rows_source source = {.path = file->path, .error = error};
    return read_numbers(file, first * file->features, rows * file->features, values, error) &&
           rows_check(&source, "column", NULL, values, first, rows, file->features, file->feature);
}
