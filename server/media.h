/* Media types: what a body is (RFC 9110 §8.3) and what a client wants back (§12.5.1). */
#ifndef SERVER_MEDIA_H
#define SERVER_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

#define MEDIA_JSON_TYPE   "application/json"
#define MEDIA_FLOATS_TYPE "application/octet-stream"
#define MEDIA_NPY_TYPE    "application/x-npy"

/* What the native routes take and give. */
enum media { MEDIA_JSON, MEDIA_FLOATS, MEDIA_NPY, MEDIA_KINDS };
extern const char *const media_types[MEDIA_KINDS];

/* The kind of a Content-Type. Its absence, text/plain, any JSON type and curl's default
 * application/x-www-form-urlencoded pass for JSON. False when it is none of ours. */
bool media_of(const char *content_type, enum media *media);

/* The index of the type that `accept` wants most, the earlier one where two are as welcome; `count` when it wants none.
 * NULL wants the first. */
size_t media_choose(const char *accept, const char *const *types, size_t count);

#endif
