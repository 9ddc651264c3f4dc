/* Framing checks on a request's headers before anything else looks at them (RFC 9112 §3.2, §6; RFC 9110 §5.1).
 * libmicrohttpd 0.9.75 lets pass what makes a proxy and a server disagree about where a request ends;
 * whatever is doubtful is refused with 400 and the connection closed. Knows no library: name and value in,
 * verdict out. */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_LENGTH_UNKNOWN UINT64_MAX

/* Zero-initialise before the first header. */
struct gate {
    unsigned content_lengths, transfer_encodings, hosts;
    bool is_length_bad, is_encoding_bad, is_name_bad, is_value_bad, is_host_bad, is_folded;
    uint64_t content_length; /* valid when content_lengths is 1 */
};

/* name and value as the library points to them: in one line, side by side. */
void gate_header(struct gate *gate, const char *name, size_t name_len, const char *value,
                 size_t value_len);

/* NULL when the request may pass, else the reason in words. The request line's three parts, version as "HTTP/1.1". */
const char *gate_verdict(const struct gate *gate, const char *method, const char *target,
                         const char *version);

/* The body's length, GATE_LENGTH_UNKNOWN when it is chunked. Only after a verdict of NULL. */
uint64_t gate_body_length(const struct gate *gate);

/* "chunked", as one whole field value, is the only transfer coding there is for us. */
bool gate_is_token(const char *text, size_t len);

#endif
