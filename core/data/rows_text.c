/* Reads a file of rows into memory: unpacks gzip, takes the array out of a .npz, converts to
 * UTF-8. */
#include "core/data/rows_file.h"

#include "core/base/json_string.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Reads the file with zlib, which passes data that is not gzip through unchanged. */
static char *read_all(const char *path, size_t *len, struct relud_error *error)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    gzFile file = fd >= 0 ? gzdopen(fd, "rb") : NULL;
    if (!file) {
        relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    size_t cap = 1 << 16;
    char *text = malloc(cap + 1);
    int got = -1;
    for (*len = 0;
         text && (got = gzread(file, text + *len,
                               (unsigned)(cap - *len < 1 << 30 ? cap - *len : 1 << 30))) > 0;) {
        *len += (size_t)got;
        if (*len == cap && cap < ROWS_BYTES_MAX) {
            char *more = realloc(text, 2 * cap + 1);
            if (!more)
                free(text);
            text = more;
            cap *= 2;
        } else if (*len == cap) {
            break;
        }
    }
    int failure = 0;
    const char *reason = gzerror(file, &failure);
    bool is_whole = text && got == 0 && failure == Z_OK;
    if (!text)
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    else if (got > 0)
        relud_fail(error, RELUD_TOO_LARGE, "%s: more than %zu bytes", path, ROWS_BYTES_MAX);
    else if (!is_whole)
        relud_fail(error, RELUD_IO, "%s: %s", path, failure == Z_ERRNO ? strerror(errno) : reason);
    gzclose(file);
    if (!is_whole) {
        free(text);
        return NULL;
    }
    text[*len] = '\0';
    return text;
}

/* ---- UTF-16 ---- */

static unsigned unit_at(const char *at, bool is_big)
{
    unsigned first = (unsigned char)at[0], second = (unsigned char)at[1];
    return is_big ? first << 8 | second : second << 8 | first;
}

/* Converts UTF-16 text[len], without its byte order mark, to UTF-8 (RFC 2781). NULL and *error if a
 * character is incomplete. */
static char *from_utf16(const char *path, const char *text, size_t len, bool is_big,
                        size_t *out_len, struct relud_error *error)
{
    char *out = malloc(len / 2 * 3 + 1);
    if (!out) {
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    size_t used = 0, at = 0;
    while (at + 2 <= len) {
        unsigned long c = unit_at(text + at, is_big), low = 0;
        at += 2;
        if (c >= 0xd800 && c < 0xdc00 && at + 2 <= len)
            low = unit_at(text + at, is_big);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        } else if (c >= 0xd800 && c < 0xe000) {
            at = len + 1;
            break;
        }
        used += utf8_put(out + used, (uint32_t)c);
    }
    if (at == len) {
        *out_len = used;
        out[used] = '\0';
        return out;
    }
    relud_fail(error, RELUD_BAD_INPUT, "%s: UTF-16 text that is not whole (save it as UTF-8)",
               path);
    free(out);
    return NULL;
}

/* ---- kinds of files ---- */

static bool begins(const char *text, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(text, with, with_len) == 0;
}

const char *rows_kind(const char *text, size_t len)
{
    static const struct {
        const char *begin;
        size_t len;
        const char *kind;
    } kinds[] = {
        {"PAR1", 4, "a Parquet file: write it as CSV or npy"},
        {"ARROW1", 6, "an Arrow file: write it as CSV or npy"},
        {"\x89HDF\r\n", 6, "an HDF5 file: write it as CSV or npy"},
        {"SQLite format 3", 15, "a database of SQLite: write it as CSV"},
        {"\xd0\xcf\x11\xe0\xa1\xb1", 6, "an old Excel workbook: save it as CSV"},
        {"\x80\2", 2, "a pickle of Python's: write it by np.save"},
        {"\x80\3", 2, "a pickle of Python's: write it by np.save"},
        {"\x80\4", 2, "a pickle of Python's: write it by np.save"},
        {"\x80\5", 2, "a pickle of Python's: write it by np.save"},
        {"\x28\xb5\x2f\xfd", 4, "packed by zstd, where gzip is read"},
        {"\xfd"
         "7zXZ",
         5, "packed by xz, where gzip is read"},
        {"\0\0\xfe\xff", 4, "UTF-32 text: save it as UTF-8"},
        {"\xff\xfe\0\0", 4, "UTF-32 text: save it as UTF-8"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(text, len, kinds[i].begin, kinds[i].len))
            return kinds[i].kind;
    if (begins(text, len, "BZh", 3) && len > 10 && memcmp(text + 4, "1AY&SY", 6) == 0)
        return "packed by bzip2, where gzip is read";
    size_t zeros[2] = {0, 0}, looked = len < 64 ? len & ~(size_t)1 : 64;
    for (size_t i = 0; i < looked; i++)
        zeros[i % 2] += text[i] == '\0';
    bool is_wide = looked && (zeros[0] == 0 || zeros[1] == 0) && zeros[0] + zeros[1] == looked / 2;
    return is_wide ? "UTF-16 text without a byte order mark: save it as UTF-8" : NULL;
}

/* Decodes the text, in place or into new memory; in the second case, and on failure, it frees
 * `text`. */
static char *decode(const char *path, char *text, size_t *len, struct relud_error *error)
{
    bool is_little = begins(text, *len, "\xff\xfe", 2), is_big = begins(text, *len, "\xfe\xff", 2);
    if (begins(text, *len, "\xef\xbb\xbf", 3)) {
        memmove(text, text + 3, *len -= 3);
        text[*len] = '\0';
        return text;
    }
    char *other = text;
    if (npz_is(text, *len))
        other = npz_array(path, text, *len, len, error);
    else if ((is_little && !begins(text, *len, "\xff\xfe\0\0", 4)) || is_big)
        other = from_utf16(path, text + 2, *len - 2, is_big, len, error);
    if (other != text)
        free(text);
    return other;
}

char *rows_text(const char *path, size_t *len, struct relud_error *error)
{
    char *text = read_all(path, len, error);
    return text ? decode(strcmp(path, "-") == 0 ? "standard input" : path, text, len, error) : NULL;
}
