"""Bodies of the media types that JSON Schema cannot describe, for a model of two features."""
import struct

import hypothesis.strategies as st
import schemathesis

ROWS = st.lists(st.tuples(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(width=32, allow_nan=False, allow_infinity=False)),
                min_size=1, max_size=9)


def floats(rows):
    return b"".join(struct.pack("<2f", *row) for row in rows)


def npy(rows):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, 2), }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + floats(rows)


def csv(rows):
    return "".join(f"{a!r},{b!r}\n" for a, b in rows).encode()


schemathesis.openapi.media_type("application/octet-stream", ROWS.map(floats))
schemathesis.openapi.media_type("application/x-npy", ROWS.map(npy))
schemathesis.openapi.media_type("text/csv", ROWS.map(csv))
