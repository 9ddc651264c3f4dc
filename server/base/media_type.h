/* Media types: the type of a body (RFC 9110 §8.3), and the types that a client accepts
 * (§12.5.1). */
#ifndef SERVER_BASE_MEDIA_TYPE_H
#define SERVER_BASE_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#define MEDIA_JSON_TYPE   "application/json"
#define MEDIA_FLOATS_TYPE "application/octet-stream"
#define MEDIA_NPY_TYPE    "application/x-npy"

#define MEDIA_CSV_TYPE "text/csv"

/* The media types of the native routes; not all of them read or write CSV. */
enum media { MEDIA_JSON, MEDIA_FLOATS, MEDIA_NPY, MEDIA_CSV, MEDIA_KINDS };
extern const char *const media_types[MEDIA_KINDS];

/* Finds the kind of a Content-Type. No header, text/plain, any JSON type and curl's default
 * application/x-www-form-urlencoded count as JSON. Returns false for any other type. */
bool media_of(const char *content_type, enum media *media);
/* The `header` parameter of text/csv (RFC 4180 §3): 1 for present, -1 for absent, 0 if it is not
 * given. */
int media_csv_header(const char *content_type);

/* The index of the type that `accept` prefers; NULL accepts all. Of two with equal weight, the one
 * that is named more closely wins, then the earlier one. Returns `count` if none is accepted. */
size_t media_choose(const char *accept, const char *const *types, size_t count);

#endif
