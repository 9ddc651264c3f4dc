#include "server/coding.h"

#include "server/media.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* zlib's window bits: 15, and 16 more for the gzip wrapper. Level 1: what leaves is small, and soon gone. */
enum { WINDOW = 15, GZIP = 16, LEVEL = 1 };

static const char *const names[] = {
    [CODING_NONE] = "identity", [CODING_GZIP] = "gzip", [CODING_DEFLATE] = "deflate"};

const char *coding_name(enum coding coding)
{
    return names[coding];
}

enum coding coding_of(const char *content_encoding)
{
    if (!content_encoding || !*content_encoding || strcasecmp(content_encoding, "identity") == 0)
        return CODING_NONE;
    if (strcasecmp(content_encoding, "gzip") == 0 || strcasecmp(content_encoding, "x-gzip") == 0)
        return CODING_GZIP;
    return strcasecmp(content_encoding, "deflate") == 0 ? CODING_DEFLATE : CODING_OTHER;
}

enum coding coding_choose(const char *accept_encoding)
{
    static const char *const offered[] = {"gzip", "deflate"};
    if (!accept_encoding)
        return CODING_NONE;
    size_t chosen = media_choose(accept_encoding, offered, 2);
    return chosen == 0 ? CODING_GZIP : chosen == 1 ? CODING_DEFLATE : CODING_NONE;
}

static bool fail_unpack(z_stream *stream, char *plain, struct relud_error *error,
                        enum relud_code code, const char *words)
{
    inflateEnd(stream);
    free(plain);
    return relud_fail(error, code, "%s", words);
}

bool coding_unpack(enum coding coding, const char *packed, size_t len, size_t max, char **plain,
                   size_t *plain_len, struct relud_error *error)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed, .avail_in = (uInt)len};
    if (len != (uInt)len ||
        inflateInit2(&stream, WINDOW + (coding == CODING_GZIP ? GZIP : 0)) != Z_OK)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the body");
    size_t cap = 4 * len + 1024;
    char *at = NULL;
    for (int state = Z_OK; state != Z_STREAM_END;) {
        cap = cap > max + 1 ? max + 1 : cap; /* one more than may be, to see that there is more */
        char *grown = realloc(at, cap);
        if (!grown)
            return fail_unpack(&stream, at, error, RELUD_NO_MEMORY, "out of memory for the body");
        at = grown;
        stream.next_out = (Bytef *)at + stream.total_out;
        stream.avail_out = (uInt)(cap - stream.total_out);
        state = inflate(&stream, Z_NO_FLUSH);
        if (stream.total_out > max) {
            inflateEnd(&stream);
            free(at);
            return relud_fail(error, RELUD_TOO_LARGE, "the body unpacks to more than %zu bytes",
                              max);
        }
        if (state == Z_STREAM_END)
            break;
        if ((state != Z_OK && state != Z_BUF_ERROR) || (stream.avail_in == 0 && stream.avail_out))
            return fail_unpack(&stream, at, error, RELUD_BAD_INPUT,
                               stream.avail_in ? "the body is not what Content-Encoding says"
                                               : "the compressed body ends too early");
        if (stream.avail_out == 0)
            cap *= 2;
    }
    if (stream.avail_in)
        return fail_unpack(&stream, at, error, RELUD_BAD_INPUT,
                           "there is more behind the compressed body's end");
    *plain = at;
    *plain_len = stream.total_out;
    inflateEnd(&stream);
    return true;
}

bool coding_pack(enum coding coding, const char *text, size_t len, struct text *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)len};
    if (len != (uInt)len ||
        deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW + (coding == CODING_GZIP ? GZIP : 0), 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&stream, len);
    char *at = text_room(out, bound);
    stream.next_out = (Bytef *)at;
    stream.avail_out = at ? (uInt)bound : 0;
    bool is_whole = at && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    if (is_whole)
        out->len += stream.total_out;
    deflateEnd(&stream);
    return is_whole;
}
