"""A. Load and overload: row 66. Every body within the limits that takes long, one after the other on one worker, beside /healthz a hundred times a second: how
long does anybody who asks for little wait more than on an idle server?"""
import base64
import contextlib
import gzip
import json
import struct
import tempfile

from card import row, size
from subject import DIGITS, bench, bench_report, server, wide_model

MIB = 1 << 20
NPY, RAW = "application/x-npy", "application/octet-stream"
PROBES_PER_SECOND, GOAL_MS = 100, 20
CLASSES = 5000


def npy(count, descr, values):
    """A .npy of one dimension, the values' bytes repeated."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}".encode()
    data = values * (count * int(descr[2]) // len(values) + 1)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data[:count * int(descr[2])]


def floats(count):
    return struct.pack("<4096f", *((i % 97 - 48) / 16 for i in range(4096))) * (count // 4096)


def rows(count, more=""):
    return b'{"model":"classes"%s,"inputs":[%s]}' % (more.encode(), b",".join([b"[1,0.5]"] * count))


def tensor(count, outputs):
    return json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [count, 2], "data": [0.5] * (2 * count)}], "outputs": outputs}).encode()


def bodies():
    """(what, path, body, header fields); body None: GET."""
    many, numbers = floats(4 * MIB - 4096), b",".join([b"1.25,-3.5e-2,7"] * 900_000)
    bytes_npy, ask, give = npy(16 * MIB - 256, "|u1", bytes(range(251))), f"Content-Type: {NPY}", f"Accept: {NPY}"
    binary, raw = [ask, give], [f"Content-Type: {RAW}", f"Accept: {RAW}"]
    packed, packs = "Content-Encoding: gzip", "Accept-Encoding: gzip"
    pixels = struct.pack("<784f", *(i % 256 for i in range(784)))
    yield "JSON of 12 MB", "/relu", b'{"input":[%s]}' % numbers, []
    yield "the same with a gradient", "/relu", b'{"activation":"mish","gradient":true,"input":[%s]}' % numbers[:-1], []
    yield "16 million bytes as .npy", "/relu?activation=softplus", bytes_npy, binary
    yield "one softmax over them", "/relu?activation=softmax", bytes_npy, binary
    yield "them as packed JSON", "/relu", bytes_npy, [ask, packs]
    yield "4 million floats", "/relu?activation=gelu", many, raw
    yield "their gradients", "/relu?activation=log_softmax&gradient=true", npy(1 << 20, "<f4", many[:MIB]), [ask]
    yield "them from gzip to gzip", "/relu?activation=mish", gzip.compress(many, 1), [f"Content-Type: {RAW}", packed, packs]
    yield "a bomb", "/relu", gzip.compress(b" " * (64 * MIB)), [packed]
    yield "empty gzip members", "/relu", gzip.compress(b"") * (12 * MIB // 20), [packed]
    yield "top_k of all classes, 800 rows", "/predict", rows(800, ',"top_k":5000'), []
    yield "of 160 rows", "/predict", rows(160, ',"top_k":5000'), [packs]
    yield "4 million numbers", "/predict", rows(800), [packs]
    yield "every layer's", "/predict", rows(400, ',"activations":true'), []
    yield "V1 classes", "/v1/models/classes:classify", b'{"examples":[%s]}' % b",".join([b'{"x":[1,1]}'] * 200), []
    yield "V1 bytes", "/v1/models/digits:predict", b'{"instances":[%s]}' % b",".join([b'{"pixels":{"b64":"%s"}}' % base64.b64encode(pixels)] * 3500), []
    yield "V2 classes", "/v2/models/classes/infer", tensor(200, [{"name": "output", "parameters": {"classification": CLASSES}}]), []
    yield "V2 bytes", "/v2/models/classes/infer", tensor(800, [{"name": "output", "parameters": {"binary_data": True}}]), [packs]
    yield "5,000 digits", "/v2/models/digits/infer", pixels * 5000, ["Inference-Header-Content-Length: 0"]
    yield "rows of a great net", "/predict?model=great", floats(4 * MIB)[:4 * 64 * 4000], raw
    yield "text beside the numbers", "/relu", b'{"input":[1],"more":"%s"}' % ("é".encode() * (8 * MIB - 100)), []
    yield "arrays beside them", "/relu", b'{"more":[%s[]],"input":[1]}' % (b"[]," * (5 * MIB)), []
    yield "blanks among them", "/relu", b'{"input":[1,%s1]}' % (b" " * (16 * MIB - 100)), []
    yield "a number of 16 MB", "/relu", b'{"input":[0.%s]}' % (b"1" * (16 * MIB - 100)), []
    yield "the metrics", "/metrics", None, [packs]
    yield "a wide layer's units", "/v2/models/units/activations", None, []


@contextlib.contextmanager
def subject_with_wide_models():
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder:
        models = [DIGITS, *(wide_model(folder, name, widths) for name, widths in
                            (("classes", (2, CLASSES)), ("great", (64, 2048, 2048, 10)), ("units", (2, 200_000, 2))))]
        classes = json.loads((models[1] / "model.json").read_text())
        classes["output"] = {"task": "classification"}
        (models[1] / "model.json").write_text(json.dumps(classes))
        with server("--workers", 1, models=models) as subject:
            subject.ask("/predict", b'{"model":"units","inputs":[[1,1]]}')  # so that there is something to be told of its units
            yield subject


def worst_probe(subject, seconds, *request):
    """The longest that /healthz took within `seconds`, in ms, while the request is sent again and again; and its status codes."""
    probes = bench(subject, path="/healthz", body=None, rate=PROBES_PER_SECOND, connections=4, seconds=seconds, warmup=0.1, same=False, start=True)
    codes = set()
    while request and probes.poll() is None:
        codes.add(subject.ask(*request).code)
    report = bench_report(probes)
    if report["unanswered"] or report["not_2xx"]:
        raise RuntimeError(f"/healthz: {report['codes']}, {report['unanswered']} unanswered")
    return report["latency_ms"]["max"], codes


@row(66, "A", "/healthz at 100/s beside each body that takes long, one worker", f"longest wait < {GOAL_MS} ms above idle", timed=True)
def expensive_bodies():
    seconds, worst, odd = size(0.6, 5), [], []
    with subject_with_wide_models() as subject:
        idle, _ = worst_probe(subject, size(2, 10))
        for what, path, body, headers in bodies():
            wait, codes = worst_probe(subject, seconds, path, body, headers)
            worst.append((wait - idle, what))
            odd += [f"{what}: {code}" for code in codes if code not in (200, 400, 413)]
    worst.sort(reverse=True)
    return worst[0][0] < GOAL_MS and not odd, (
        f"{len(worst)} bodies; above idle ({idle:.1f} ms): {', '.join(f'{wait:.1f} ms ({what})' for wait, what in worst[:3])}"
        + (f"; odd answers: {', '.join(odd)}" if odd else ""))
