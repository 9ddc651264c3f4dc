#include "server/base/content_coding.h"

#include "server/base/media_type.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* zlib's window bits: 15, plus 16 for the gzip wrapper. Level 1 is the fastest: responses are small
 * and short-lived. */
enum { WINDOW = 15, GZIP = 16, LEVEL = 1 };

#define BLANKS " \t,"

static const char *const names[] = {
    [CODING_NONE] = "identity", [CODING_GZIP] = "gzip", [CODING_DEFLATE] = "deflate"};

const char *coding_name(enum coding coding)
{
    return names[coding];
}

static enum coding coding_named(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum coding coding;
    } known[] = {{"identity", CODING_NONE},
                 {"gzip", CODING_GZIP},
                 {"x-gzip", CODING_GZIP},
                 {"deflate", CODING_DEFLATE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == len && strncasecmp(name, known[i].name, len) == 0)
            return known[i].coding;
    return CODING_OTHER;
}

enum coding coding_of_field(const char *content_encoding)
{
    enum coding coding = CODING_NONE;
    const char *at = content_encoding;
    for (at += strspn(at, BLANKS); *at; at += strspn(at, BLANKS)) {
        size_t len = strcspn(at, BLANKS);
        enum coding next = coding_named(at, len);
        if (next != CODING_NONE && coding != CODING_NONE)
            return CODING_OTHER;
        coding = next != CODING_NONE ? next : coding;
        at += len;
    }
    return coding;
}

enum coding coding_choose(const char *accept_encoding)
{
    static const char *const offered[] = {"gzip", "deflate"};
    if (!accept_encoding)
        return CODING_NONE;
    size_t chosen = media_choose(accept_encoding, offered, 2);
    return chosen == 0 ? CODING_GZIP : chosen == 1 ? CODING_DEFLATE : CODING_NONE;
}

/* How many of `len` bytes to pass to zlib in one call: pieces of 32 KB if there is a watch. */
static uInt piece_of(size_t len, const struct relud_watch *watch)
{
    enum { PIECE = 32 * 1024 };
    return (uInt)(watch && len > PIECE ? PIECE : len);
}

/* The state of one coding_unpack. */
struct unpacking {
    z_stream stream;
    char *at; /* [cap]; the first len bytes are unpacked */
    size_t len, cap, max;
    size_t left; /* packed bytes not given to the stream yet */
    const struct relud_watch *watch;
};

static bool go_on(const struct unpacking *to, struct relud_error *error)
{
    return !to->watch || to->watch->go_on(to->watch->user) ||
           relud_fail(error, RELUD_IO, "the request has ended");
}

/* Gives the stream the next piece of packed bytes when it has used up the last one. */
static void feed(struct unpacking *to)
{
    if (to->stream.avail_in)
        return;
    to->stream.avail_in = piece_of(to->left, to->watch);
    to->left -= to->stream.avail_in;
}

/* Doubles the room, up to max + 1 bytes. The extra byte shows that the body is longer than max. */
static bool grow(struct unpacking *to, struct relud_error *error)
{
    size_t cap = 2 * to->cap;
    cap = cap > to->max + 1 ? to->max + 1 : cap;
    char *grown = realloc(to->at, cap);
    if (!grown)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the body");
    to->at = grown;
    to->cap = cap;
    return true;
}

/* Unpacks up to the end of one compressed stream. */
static bool unpack_member(struct unpacking *to, struct relud_error *error)
{
    z_stream *stream = &to->stream;
    for (int state = Z_OK; state != Z_STREAM_END;) {
        if (to->len == to->cap && !grow(to, error))
            return false;
        stream->next_out = (Bytef *)to->at + to->len;
        uInt room = stream->avail_out = piece_of(to->cap - to->len, to->watch);
        feed(to);
        state = inflate(stream, Z_NO_FLUSH);
        to->len += room - stream->avail_out;
        if (to->len > to->max)
            return relud_fail(error, RELUD_TOO_LARGE, "the body unpacks to more than %zu bytes",
                              to->max);
        if (state != Z_OK && state != Z_BUF_ERROR && state != Z_STREAM_END)
            return relud_fail(error, RELUD_BAD_INPUT, "the body is not what Content-Encoding says");
        if (state != Z_STREAM_END && stream->avail_in + to->left == 0 && stream->avail_out)
            return relud_fail(error, RELUD_BAD_INPUT, "the compressed body ends too early");
        if (!go_on(to, error))
            return false;
    }
    return true;
}

/* A gzip file may hold several members in a row (RFC 1952 §2.2), for example from pigz or from
 * appending one .gz file to another. All of them are unpacked. */
static bool unpack_all(struct unpacking *to, enum coding coding, struct relud_error *error)
{
    const z_stream *stream = &to->stream;
    for (;;) {
        if (!unpack_member(to, error))
            return false;
        size_t left = stream->avail_in + to->left;
        if (left == 0)
            return true;
        if (coding != CODING_GZIP || left < 2 || stream->next_in[0] != 0x1f ||
            stream->next_in[1] != 0x8b)
            return relud_fail(error, RELUD_BAD_INPUT,
                              "there is more behind the compressed body's end");
        inflateReset(&to->stream);
    }
}

/* "deflate" means zlib's format (RFC 1950), but some clients send the raw deflate data without it
 * (RFC 9110 §8.4.1.2). A negative number tells zlib to read raw data. */
static int window_of(enum coding coding, const unsigned char *packed, size_t len)
{
    if (coding == CODING_GZIP)
        return WINDOW + GZIP;
    bool is_zlib = len >= 2 && (packed[0] & 15) == 8 && (packed[0] * 256 + packed[1]) % 31 == 0;
    return is_zlib ? WINDOW : -WINDOW;
}

bool coding_unpack(enum coding coding, const char *packed, size_t len, size_t max, char **plain,
                   size_t *plain_len, const struct relud_watch *watch, struct relud_error *error)
{
    struct unpacking to = {
        .stream = {.next_in = (Bytef *)(uintptr_t)packed},
        .left = len,
        .watch = watch,
        .cap = 2 * len + 512,
        .max = max,
    };
    if (len != (uInt)len ||
        inflateInit2(&to.stream, window_of(coding, to.stream.next_in, len)) != Z_OK)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the body");
    bool is_done = grow(&to, error) && unpack_all(&to, coding, error);
    inflateEnd(&to.stream);
    if (!is_done) {
        free(to.at);
        return false;
    }
    *plain = to.at;
    *plain_len = to.len;
    return true;
}

bool coding_pack(enum coding coding, const char *text, size_t len, struct text *out,
                 const struct relud_watch *watch)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text};
    if (len != (uInt)len ||
        deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW + (coding == CODING_GZIP ? GZIP : 0), 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&stream, len);
    char *at = text_room(out, bound);
    stream.next_out = (Bytef *)at;
    stream.avail_out = at ? (uInt)bound : 0;
    int state = at ? Z_OK : Z_MEM_ERROR;
    for (size_t left = len; state == Z_OK;) {
        stream.avail_in = piece_of(left, watch);
        left -= stream.avail_in;
        state = deflate(&stream, left ? Z_NO_FLUSH : Z_FINISH);
        if (state == Z_OK && watch && !watch->go_on(watch->user))
            break;
    }
    bool is_whole = state == Z_STREAM_END;
    if (is_whole)
        out->len += stream.total_out;
    deflateEnd(&stream);
    return is_whole;
}
