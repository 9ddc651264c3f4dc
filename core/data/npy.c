/* NumPy's .npy format (numpy.lib.format, versions 1 to 3): a magic word, a header, the numbers. The
 * header is a Python dictionary as text. */
#include "core/base/dtype.h"
#include "core/base/watch.h"
#include "core/data/rows_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";

bool npy_is(const char *text, size_t len)
{
    return len >= 10 && memcmp(text, magic, 6) == 0;
}

static const struct type {
    const char *name; /* without the byte-order sign */
    enum relud_dtype dtype;
} types[] = {{"f4", RELUD_FP32},  {"f8", RELUD_FP64},   {"f2", RELUD_FP16},  {"u1", RELUD_UINT8},
             {"i1", RELUD_INT8},  {"u2", RELUD_UINT16}, {"i2", RELUD_INT16}, {"u4", RELUD_UINT32},
             {"i4", RELUD_INT32}, {"u8", RELUD_UINT64}, {"i8", RELUD_INT64}, {"b1", RELUD_BOOL}};
enum { TYPES = sizeof types / sizeof *types };

static uint64_t little(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* ---- the header: a Python dictionary of three members ---- */

static bool fail_head(struct relud_error *error, const char *why)
{
    return relud_fail(error, RELUD_BAD_INPUT, "npy: the head %s", why);
}

static const char *skip(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Takes a string in single or double quotes, without escapes, and moves *at past it. NULL if there
 * is none. */
static const char *take_string(const char **at, size_t *len)
{
    const char *begin = *at + 1, quote = **at;
    if (quote != '\'' && quote != '"')
        return NULL;
    *len = strcspn(begin, quote == '"' ? "\"\\" : "'\\");
    if (begin[*len] != quote)
        return NULL;
    *at = begin + *len + 1;
    return begin;
}

/* Reads a type such as '<f4', '>i8' or '|u1'. The byte-order sign is required; for one-byte types
 * it has no meaning. */
static bool read_type(const char **at, struct relud_npy *npy, struct relud_error *error)
{
    size_t len;
    const char *begin = *at, *name = take_string(at, &len);
    if (!name)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: elements of type %.*s are not read%s",
                          (int)strcspn(begin, " ,}"), begin,
                          *begin == '[' ? " (named columns: write to_numpy() of them)" : "");
    for (size_t i = 0; len == 3 && i < TYPES; i++) {
        bool is_byte = types[i].name[1] == '1', is_big = *name == '>';
        if (memcmp(name + 1, types[i].name, 2) != 0 || !strchr(is_byte ? "|<>=" : "<>", *name))
            continue;
        npy->dtype = types[i].dtype;
        npy->is_big_endian = is_big && !is_byte;
        return true;
    }
    const char *last = len ? name + len - 1 : name;
    return relud_fail(error, RELUD_BAD_INPUT, "npy: elements of type '%.*s' are not read%s",
                      (int)(len < 40 ? len : 40), name,
                      len && *last == 'O' ? " (objects of Python's: write astype('float32'))" : "");
}

static bool read_order(const char **at, struct relud_npy *npy, struct relud_error *error)
{
    npy->is_fortran = strncmp(*at, "True", 4) == 0;
    if (!npy->is_fortran && strncmp(*at, "False", 5) != 0)
        return fail_head(error, "says neither True nor False of fortran_order");
    *at += npy->is_fortran ? 4 : 5;
    return true;
}

static bool read_size(const char **at, struct relud_npy *npy, struct relud_error *error)
{
    char *end;
    unsigned long long size = strtoull(*at, &end, 10);
    if (**at < '0' || **at > '9' || size == 0 || size > (1ull << 40))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "npy: a shape that is not of whole numbers from 1");
    if (npy->rank == RELUD_NPY_RANK_MAX)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: more than %d dimensions",
                          RELUD_NPY_RANK_MAX);
    if (npy->count > SIZE_MAX / 16 / size)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the shape's product overflows");
    npy->shape[npy->rank++] = (size_t)size;
    npy->count *= (size_t)size;
    *at = skip(end + (*end == 'L')); /* a long of Python 2 */
    return true;
}

/* Reads a shape: (), (3,), (3, 4) or (3, 4,). A single number needs its comma. */
static bool read_shape(const char **at, struct relud_npy *npy, struct relud_error *error)
{
    if (**at != '(')
        return fail_head(error, "has no shape");
    bool has_comma = true;
    npy->rank = 0;
    npy->count = 1;
    for (*at = skip(*at + 1); **at != ')';) {
        if (!read_size(at, npy, error))
            return false;
        has_comma = **at == ',';
        *at = skip(*at + has_comma);
        if (!has_comma && **at != ')')
            return fail_head(error, **at ? "has a shape whose numbers no comma parts"
                                         : "has a shape that does not end");
    }
    ++*at;
    if (npy->rank == 1 && !has_comma)
        return fail_head(error, "has a shape that is no tuple: (N,)");
    return true;
}

/* Reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: each member once, in any
 * order, with blanks allowed after the dictionary. */
static bool read_head(const char *at, struct relud_npy *npy, struct relud_error *error)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool is_there[3] = {false, false, false};
    at = skip(at);
    if (*at++ != '{')
        return fail_head(error, "is no dictionary");
    for (at = skip(at); *at != '}';) {
        size_t len, key = 0;
        const char *name = take_string(&at, &len);
        while (name && key < 3 && (strlen(keys[key]) != len || memcmp(keys[key], name, len) != 0))
            key++;
        at = skip(at);
        if (!name || key == 3 || *at != ':')
            return fail_head(error, "has something else than descr, fortran_order and shape");
        if (is_there[key])
            return relud_fail(error, RELUD_BAD_INPUT, "npy: the head has '%s' twice", keys[key]);
        is_there[key] = true;
        at = skip(at + 1);
        if (!(key == 0   ? read_type(&at, npy, error)
              : key == 1 ? read_order(&at, npy, error)
                         : read_shape(&at, npy, error)))
            return false;
        at = skip(at);
        bool has_comma = *at == ',';
        at = skip(at + has_comma);
        if (!has_comma && *at != '}')
            return fail_head(error, "has something behind a member where a comma is wanted");
    }
    for (size_t i = 0; i < 3; i++)
        if (!is_there[i])
            return relud_fail(error, RELUD_BAD_INPUT, "npy: the head has no %s", keys[i]);
    if (*skip(at + 1))
        return fail_head(error, "has something behind its dictionary");
    return true;
}

bool npy_open_head(const void *bytes, size_t len, size_t whole, struct relud_npy *npy,
                   struct relud_error *error)
{
    enum { HEAD_MAX = 10000 }; /* the limit of numpy.load */
    const unsigned char *at = bytes;
    if (!npy_is(bytes, len))
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the magic word \\x93NUMPY is missing");
    size_t size = at[6] == 1 ? 2 : 4, begin = 8 + size;
    if (at[6] < 1 || at[6] > 3 || len < begin || little(at + 8, size) > HEAD_MAX ||
        little(at + 8, size) > len - begin)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the head is not whole");
    size_t head_len = (size_t)little(at + 8, size), left = whole - begin - head_len;
    char head[HEAD_MAX + 1];
    memcpy(head, at + begin, head_len);
    head[head_len] = '\0';
    if (memchr(head, '\0', head_len))
        return fail_head(error, "has a NUL in it");
    if (!read_head(head, npy, error))
        return false;
    size_t bytes_each = relud_dtype_bytes(npy->dtype);
    if (left % bytes_each != 0 || left / bytes_each != npy->count)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "npy: %zu bytes of numbers, where the shape wants %zu numbers of %zu",
                          left, npy->count, bytes_each);
    npy->elements = at + begin + head_len;
    return true;
}

bool relud_npy_open(const void *bytes, size_t len, struct relud_npy *npy, struct relud_error *error)
{
    return npy_open_head(bytes, len, len, npy, error);
}

enum relud_dtype relud_npy_dtype(const struct relud_npy *npy)
{
    return npy->dtype;
}

/* ---- the numbers ---- */

/* Reads `count` elements that are contiguous in the file. */
static void read_run(const struct relud_npy *npy, size_t first, size_t count, float *values)
{
    const char *at = (const char *)npy->elements + first * relud_dtype_bytes(npy->dtype);
    dtype_read(npy->dtype, at, count, npy->is_big_endian, values);
}

enum { TILE_ROWS = 64, TILE_COLUMNS = 16 }; /* 16 floats fill a cache line */

/* The offset of a column in Fortran order, in columns: the earliest of the dimensions after `first`
 * varies fastest. */
static size_t place_of(const struct relud_npy *npy, size_t first, const size_t *index)
{
    size_t place = 0;
    for (size_t d = npy->rank; d-- > first + 1;)
        place = place * npy->shape[d] + index[d];
    return place;
}

static void count_up(const struct relud_npy *npy, size_t first, size_t *index)
{
    for (size_t d = npy->rank; d-- > first + 1 && ++index[d] == npy->shape[d];)
        index[d] = 0;
}

/* In Fortran order the first dimension is contiguous. Runs of it are read into a tile, and the
 * tile's rows are written. This way both sides are accessed in long pieces. False if the watch
 * ended the work. */
static bool read_fortran(const struct relud_npy *npy, float *values,
                         const struct relud_watch *watch)
{
    float tile[TILE_COLUMNS * TILE_ROWS];
    size_t done = 0;  /* floats since the watch was last asked */
    size_t first = 0; /* the first dimension larger than 1 */
    while (first + 1 < npy->rank && npy->shape[first] == 1)
        first++;
    size_t rows = npy->shape[first], columns = npy->count / rows;
    for (size_t row = 0; row < rows; row += TILE_ROWS) {
        size_t high = rows - row < TILE_ROWS ? rows - row : TILE_ROWS;
        size_t index[RELUD_NPY_RANK_MAX] = {0};
        bool is_whole = high == rows && first + 2 >= npy->rank; /* columns lie end to end */
        for (size_t column = 0; column < columns; column += TILE_COLUMNS) {
            size_t wide = columns - column < TILE_COLUMNS ? columns - column : TILE_COLUMNS;
            if (is_whole)
                read_run(npy, column * rows, wide * rows, tile);
            for (size_t c = 0; c < wide && !is_whole; c++, count_up(npy, first, index))
                read_run(npy, place_of(npy, first, index) * rows + row, high, tile + c * high);
            for (size_t r = 0; r < high; r++)
                for (size_t c = 0; c < wide; c++)
                    values[(row + r) * columns + column + c] = tile[c * high + r];
            if ((done += wide * high) >= WATCH_FLOATS) {
                done = 0;
                if (!watch_go_on(watch))
                    return false;
            }
        }
    }
    return true;
}

bool relud_npy_values_watched(const struct relud_npy *npy, float *values,
                              const struct relud_watch *watch)
{
    if (npy->is_fortran && npy->rank > 1)
        return read_fortran(npy, values, watch);
    for (size_t at = 0, some; at < npy->count; at += some) {
        some = watch_piece(watch, npy->count - at);
        read_run(npy, at, some, values + at);
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}

void relud_npy_values(const struct relud_npy *npy, float *values)
{
    relud_npy_values_watched(npy, values, NULL);
}

bool npy_read(const struct rows_source *source, struct relud_rows *rows)
{
    struct relud_npy npy = {0};
    struct relud_error error;
    if (!relud_npy_open(source->text, source->len, &npy, &error))
        return rows_fail(source, "%s", error.text);
    if (npy.rank == 0)
        return rows_fail(source, "npy: a single number, where rows are wanted");
    size_t count = npy.rank == 1 ? 1 : npy.shape[0];
    if (!rows_new(source, count, npy.count / count, rows))
        return false;
    relud_npy_values(&npy, rows->values);
    return true;
}

size_t relud_npy_head(const size_t *shape, size_t rank, char head[RELUD_NPY_HEAD_MAX])
{
    enum { BEGIN = 10, STEP = 64 };
    char *at = stpcpy(head + BEGIN, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++)
        at += snprintf(at, 32, rank == 1 ? "%zu," : i ? ", %zu" : "%zu", shape[i]);
    at = stpcpy(at, "), }");
    size_t len = ((size_t)(at - head) + STEP) / STEP * STEP;
    memset(at, ' ', len - (size_t)(at - head));
    head[len - 1] = '\n';
    memcpy(head, magic, 6);
    head[6] = 1;
    head[7] = 0;
    head[8] = (char)((len - BEGIN) & 0xff);
    head[9] = (char)((len - BEGIN) >> 8);
    return len;
}
