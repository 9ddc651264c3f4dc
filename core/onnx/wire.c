#include "core/onnx/wire.h"

struct wire wire_open(struct wire_slice message)
{
    return (struct wire){message.at, message.at + message.len, NULL};
}

static bool fail(struct wire *wire, const char *why)
{
    wire->wrong = why;
    return false;
}

static bool read_varint(struct wire *wire, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (wire->at == wire->end)
            return fail(wire, "a number is cut off");
        unsigned char byte = *wire->at++;
        if (shift == 63 && byte > 1)
            break;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return fail(wire, "a number of more than 64 bits");
}

static bool read_fixed(struct wire *wire, size_t bytes, uint64_t *value)
{
    if ((size_t)(wire->end - wire->at) < bytes)
        return fail(wire, "a number is cut off");
    *value = 0;
    for (size_t i = 0; i < bytes; i++)
        *value |= (uint64_t)wire->at[i] << (8 * i);
    wire->at += bytes;
    return true;
}

static bool read_number(struct wire *wire, enum wire_type type, uint64_t *value)
{
    return type == WIRE_VARINT ? read_varint(wire, value)
                               : read_fixed(wire, type == WIRE_64 ? 8 : 4, value);
}

bool wire_next(struct wire *wire, struct wire_field *field)
{
    uint64_t key;
    *field = (struct wire_field){0};
    if (wire->wrong || wire->at == wire->end || !read_varint(wire, &key))
        return false;
    if (key >> 3 == 0 || key >> 32 != 0)
        return fail(wire, "a field number that there cannot be");
    field->number = (uint32_t)(key >> 3);
    field->type = (enum wire_type)(key & 7);
    switch (key & 7) {
    case WIRE_VARINT:
    case WIRE_64:
    case WIRE_32:
        return read_number(wire, field->type, &field->value);
    case WIRE_BYTES:
        if (!read_varint(wire, &field->value))
            return false;
        if (field->value > (uint64_t)(wire->end - wire->at))
            return fail(wire, "a length that goes past the end");
        field->bytes = (struct wire_slice){wire->at, (size_t)field->value};
        wire->at += field->bytes.len;
        return true;
    default:
        return fail(wire, "a wire type that there is not");
    }
}

bool wire_find(struct wire *wire, uint32_t number, struct wire_field *field)
{
    while (wire_next(wire, field))
        if (field->number == number)
            return true;
    return false;
}

bool wire_next_number(struct wire *wire, struct wire *packed, uint32_t number, enum wire_type type,
                      uint64_t *value)
{
    struct wire_field field;
    while (packed->at == packed->end) {
        if (!wire_find(wire, number, &field))
            return false;
        if (field.type == type) {
            *value = field.value;
            return true;
        }
        if (field.type != WIRE_BYTES)
            return fail(wire, "a number of another wire type");
        *packed = wire_open(field.bytes);
    }
    if (read_number(packed, type, value))
        return true;
    return fail(wire, packed->wrong);
}
