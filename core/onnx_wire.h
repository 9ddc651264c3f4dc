/* The protocol-buffer wire format, as far as ONNX files need it: fields one after another out of a slice of memory. Nothing
 * is copied, nothing recurses: who wants to look into a message opens its slice. */
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
    uint64_t value;          /* of a varint, or the bits of a fixed number */
    struct wire_slice bytes; /* of WIRE_BYTES */
};

struct wire {
    const unsigned char *at, *end;
    const char *wrong; /* NULL, or why `at` cannot be read on */
};

struct wire wire_open(struct wire_slice message);
/* The next field; false at the end and where the bytes are wrong (wire->wrong). */
bool wire_next(struct wire *wire, struct wire_field *field);
/* The next field of that number, passing over others. */
bool wire_find(struct wire *wire, uint32_t number, struct wire_field *field);

/* One element after another of a repeated field of numbers, packed or not. Begin with zeros in `packed`. */
bool wire_next_number(struct wire *wire, struct wire *packed, uint32_t number, enum wire_type type,
                      uint64_t *value);

#endif
