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

/* Zero-initialise. The parts of a head are given in their order, where they lie in the library's buffer: the request line, its query,
 * the fields. */
struct gate {
    unsigned content_lengths, transfer_encodings, hosts;
    bool is_method_bad, is_target_bad, is_version_bad, is_1_1;
    bool is_length_bad, is_encoding_bad, is_name_bad, is_value_bad, is_host_bad, is_folded;
    uint64_t content_length; /* valid when content_lengths is 1 */
    bool is_followed, is_torn;
    const char *end;     /* of the part that was last, where the parts are followed */
    const char *version; /* which comes behind the query, until it has been followed */
};

/* is_followed: whether what lies between the parts is looked at. libmicrohttpd 0.9.75 ends a part at its first NUL and leaves out a field
 * without a name; 1.0 refuses both. */
void gate_line(struct gate *gate, const char *method, const char *target, const char *version,
               bool is_followed);

/* Of the query; value may be NULL. A + is a blank already. */
void gate_argument(struct gate *gate, const char *name, const char *value);

void gate_header(struct gate *gate, const char *name, size_t name_len, const char *value,
                 size_t value_len);

/* After all of them: NULL when the request may pass, else the reason in words. */
const char *gate_verdict(struct gate *gate);

/* The body's length, GATE_LENGTH_UNKNOWN when it is chunked. Only after a verdict of NULL. */
uint64_t gate_body_length(const struct gate *gate);

/* "chunked", as one whole field value, is the only transfer coding there is for us. */
bool gate_is_token(const char *text, size_t len);

#endif
