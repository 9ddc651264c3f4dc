/* Checks a request's framing before anything else looks at it (RFC 9112 §3.2, §6; RFC 9110 §5.1).
 * libmicrohttpd 0.9.75 accepts requests about whose end a proxy and a server may disagree. Anything
 * doubtful is refused with 400 and the connection closed. Independent of the library: name and
 * value in, verdict out. */
#ifndef SERVER_HTTP_FRAMING_H
#define SERVER_HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMING_LENGTH_UNKNOWN UINT64_MAX

/* Zero-initialise. Give the parts of a head in their order, as they lie in the library's buffer:
 * the request line, its query parameters, the fields. */
struct framing {
    unsigned content_lengths, transfer_encodings, hosts;
    bool is_method_bad, is_target_bad, is_version_bad, is_1_1;
    bool is_length_bad, is_encoding_bad, is_name_bad, is_value_bad, is_host_bad, is_folded;
    uint64_t content_length; /* valid when content_lengths is 1 */
    bool is_followed, is_torn;
    const char *end;     /* end of the last part given, if the parts are followed */
    const char *version; /* comes after the query; NULL once it has been followed */
};

/* Takes the request line. is_followed: check the bytes between the parts, too. libmicrohttpd 0.9.75
 * ends a part at its first NUL and leaves out a field without a name; 1.0 refuses both. */
void framing_line(struct framing *framing, const char *method, const char *target,
                  const char *version, bool is_followed);

/* Takes a parameter of the query; value may be NULL. The library has already turned + into a
 * blank. */
void framing_argument(struct framing *framing, const char *name, const char *value);

void framing_header(struct framing *framing, const char *name, size_t name_len, const char *value,
                    size_t value_len);

/* To be called after all parts: NULL if the request may pass, else the reason in words. */
const char *framing_verdict(struct framing *framing);

/* The status that goes with the reason: 505 for the HTTP version, else 400. */
unsigned framing_code(const struct framing *framing);

/* The body's length; FRAMING_LENGTH_UNKNOWN if it is chunked. Valid only after a verdict of
 * NULL. */
uint64_t framing_body_length(const struct framing *framing);

/* True if text[len] is a token of RFC 9110 §5.6.2. */
bool framing_is_token(const char *text, size_t len);

#endif
