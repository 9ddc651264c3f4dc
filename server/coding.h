/* Content codings (RFC 9110 §8.4): gzip and deflate, by zlib. */
#ifndef SERVER_CODING_H
#define SERVER_CODING_H

#include "server/text.h"
#include <relud/relud.h>

enum coding { CODING_NONE, CODING_GZIP, CODING_DEFLATE, CODING_OTHER };

/* What a Content-Encoding says; NULL is none. */
enum coding coding_of(const char *content_encoding);
/* What an Accept-Encoding wants most of what we can; NULL wants none. */
enum coding coding_choose(const char *accept_encoding);
/* As Content-Encoding names it. */
const char *coding_name(enum coding coding);

/* Unpacks into *plain (heap, the caller's). RELUD_TOO_LARGE over max bytes: what it unpacks to counts, and no more than that
 * is ever held. */
bool coding_unpack(enum coding coding, const char *packed, size_t len, size_t max, char **plain,
                   size_t *plain_len, struct relud_error *error);
/* Packs text[len] to the end of out. */
bool coding_pack(enum coding coding, const char *text, size_t len, struct text *out);

#endif
