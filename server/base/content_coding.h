/* Content codings (RFC 9110 §8.4): gzip and deflate, done by zlib. */
#ifndef SERVER_BASE_CONTENT_CODING_H
#define SERVER_BASE_CONTENT_CODING_H

#include "server/base/text.h"
#include <relud/relud.h>

enum coding { CODING_NONE, CODING_GZIP, CODING_DEFLATE, CODING_OTHER };

enum coding coding_of_field(const char *content_encoding); /* of a header that is there */
/* The coding that a Content-Encoding header names; NULL counts as CODING_NONE. Unknown codings, and
 * more than one coding, are CODING_OTHER. */
static inline enum coding coding_of(const char *content_encoding)
{
    return content_encoding ? coding_of_field(content_encoding) : CODING_NONE;
}
/* The coding, of gzip and deflate, that an Accept-Encoding header prefers. CODING_NONE if it wants
 * neither, or is NULL. */
enum coding coding_choose(const char *accept_encoding);
/* The coding's name in a Content-Encoding header. Not for CODING_OTHER. */
const char *coding_name(enum coding coding);

/* Unpacks packed[len] into *plain, which the caller frees. At most `max` + 1 unpacked bytes are
 * ever held. The watch may be NULL. Returns false and sets *error: RELUD_TOO_LARGE if there are
 * more than `max` unpacked bytes, RELUD_BAD_INPUT if the bytes are not in that coding,
 * RELUD_NO_MEMORY, or RELUD_IO if the watch ended the work. */
bool coding_unpack(enum coding coding, const char *packed, size_t len, size_t max, char **plain,
                   size_t *plain_len, const struct relud_watch *watch, struct relud_error *error);
/* Appends text[len], packed, to out. The watch may be NULL. Returns false, and leaves out->len as
 * it was, if memory runs out or the watch ends the work. */
bool coding_pack(enum coding coding, const char *text, size_t len, struct text *out,
                 const struct relud_watch *watch);

#endif
