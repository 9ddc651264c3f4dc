"""Valid requests for every endpoint, and changes to them that a fuzzer would make, by a generator that always makes the same."""
import base64
import gzip
import re
import struct

import wire

FLOATS = struct.pack("<4f", 1, 2, -3, 0.5)
NPY_HEAD = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
NPY = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + NPY_HEAD.ljust(117) + b"\n" + FLOATS
V2_HEAD = (b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}],'
           b'"outputs":[{"name":"y","parameters":{"binary_data":true}}]}')
B64 = base64.b64encode(FLOATS[:8])

# {endpoint: requests} for a model `m` of two features and two classes; the last ones are for administrators, `spare` is what they load.
POSTS = {
    "/predict": [(b'{"inputs":[[1,2],[3,4]],"model":"m","version":"1","top_k":2,"activations":true}', []),
                 (FLOATS, ["Content-Type: application/octet-stream"]), (NPY, ["Content-Type: application/x-npy", "Accept: application/x-npy"]),
                 (gzip.compress(b'{"inputs":[1.5,-2e-3]}', mtime=0), ["Content-Encoding: gzip"])],
    "/relu": [(b'{"input":[[1,-2.5],[3e-1,0]],"activation":"elu","alpha":0.5,"gradient":true}', []), (b'{"input":-1}', ["Accept-Encoding: gzip"]),
              (b'{"input":[[1,2]],"activation":"prelu","weight":[0.1,0.2]}', [])],
    "/v2/models/m/infer": [(b'{"id":"a","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}],'
                            b'"outputs":[{"name":"y","parameters":{"classification":1}}],"parameters":{"timeout":1000000}}', []),
                           (b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT8","data":[[1,2],[3,4]]}]}', []),
                           (V2_HEAD + FLOATS, [f"Inference-Header-Content-Length: {len(V2_HEAD)}", "Content-Type: application/octet-stream"])],
    "/v2/models/m/versions/1/infer": [(b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1e-3,2]}]}', [])],
    "/v1/models/m:predict": [(b'{"instances":[{"x":[1,2]},{"x":{"b64":"' + B64 + b'"}}]}', []),
                             (b'{"inputs":{"x":[[1,2],[3,4]]},"signature_name":"serving_default"}', [])],
    "/v1/models/m/versions/1:classify": [(b'{"examples":[{"x":[1,2]},{"x":[3,4]}]}', [])],
    "/v1/models/m:regress": [(b'{"context":{"x":[1,2]},"examples":[{}]}', []), (b'{"examples":[{"x":[1,2]}]}', [])],
    "/v2/repository/index": [(b'{"ready":true}', [])],
    "/v2/repository/models/spare/load": [(b'{"parameters":{}}', [])],
    "/v2/repository/models/spare/unload": [(b'{"parameters":{"unload_dependents":false}}', [])],
    "/v2/logging": [(b'{"log_verbose_level":0,"log_info":true}', [])],
    "/v2/trace/setting": [(b'{"trace_level":["OFF"],"trace_rate":1000}', [])],
}
GETS = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v2", "/v2/models", "/v2/models/stats", "/v2/models/m", "/v2/models/m/config",
        "/v2/models/m/stats", "/v2/models/m/ready", "/v1/models", "/v1/models/m", "/v1/models/m/metadata", "/v1/models/m/versions/1",
        "/v1/models/m/labels/stable", "/v2/trace/setting"]
ADMIN = tuple(path for path in POSTS if path.startswith(("/v2/repository/models/", "/v2/logging", "/v2/trace")))
ENDPOINTS = [*POSTS, *GETS]

WORDS = [b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"\0", b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\t", b"\xff", b"\xc0\xaf",
         b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"1e-400", b"01", b"9" * 40, b"0." + b"0" * 400 + b"1", b"-1", b"2147483648",
         b"4294967296", b"18446744073709551615", b"9223372036854775807", b"[" * 40, b"[" * 2000, b'{"a":' * 40, b"1," * 1000,
         b'"inputs":', b'"model":"nope"', b'"data":', b'"shape":[', b'"b64":"', b'"datatype":"BYTES"', b"%00", b"%2f", b"../", b"?top_k=", b"&",
         b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: deflate\r\n", b"Expect: 100-continue\r\n",
         b"Accept: */*\r\n", b"HTTP/1.0"]


def change(draw, data):
    """One to four small changes."""
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(8)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = draw.randrange(256)
        elif kind == 2:
            del data[at:at + draw.choice((1, 1, 2, 8, 64))]
        elif kind == 3:
            data[at:at] = data[at:at + draw.choice((1, 4, 16, 64))] * draw.choice((1, 2, 50))
        elif kind == 4:
            data[at:at] = draw.choice(WORDS)
        elif kind == 5:
            data[at:at + draw.choice((1, 4))] = draw.choice(WORDS)
        elif kind == 6:
            data = data[:at] if draw.randrange(4) == 0 else data
        else:
            numbers = list(re.finditer(rb"-?\d+(\.\d+)?", data))
            if numbers:
                place = draw.choice(numbers)
                data[place.start():place.end()] = draw.choice([w for w in WORDS if w[:1] in b"-0129"])
    return bytes(data)


def changed_body(draw, path):
    """A request with a body that was changed, framed as it should be."""
    body, headers = draw.choice(POSTS[path])
    return wire.request(path, change(draw, body), headers)


def changed_bytes(draw, path):
    """A request of which any byte may have changed, the framing included."""
    body, headers = draw.choice(POSTS[path]) if path in POSTS else (None, [])
    return change(draw, wire.request(path, body, headers))
