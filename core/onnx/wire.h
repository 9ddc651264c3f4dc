/* The protocol-buffer wire format, as far as ONNX files need it. It reads the fields in a slice of
 * memory one after another. Nothing is copied and nothing recurses: to read a nested message, the
 * caller opens its slice. */
#ifndef CORE_ONNX_WIRE_H
#define CORE_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_slice {
    const unsigned char *at;
    size_t len;
};

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;          /* a varint, or the bits of a fixed-size number */
    struct wire_slice bytes; /* of WIRE_BYTES */
};

struct wire {
    const unsigned char *at, *end;
    const char *wrong; /* NULL, or why reading stopped at `at` */
};

struct wire wire_open(struct wire_slice message);
/* Reads the next field. False at the end, and if the bytes are wrong (wire->wrong says why). */
bool wire_next(struct wire *wire, struct wire_field *field);
/* Reads the next field with this number and skips others. */
bool wire_find(struct wire *wire, uint32_t number, struct wire_field *field);

/* Reads the next element of a repeated number field, packed or not. *packed must be zero at the
 * first call. */
bool wire_next_number(struct wire *wire, struct wire *packed, uint32_t number, enum wire_type type,
                      uint64_t *value);

#endif
