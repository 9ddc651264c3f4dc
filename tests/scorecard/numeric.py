"""E. The numeric promise: rows 35 to 38."""
import array
import gzip
import json
import math
import pathlib
import random
import struct
import tempfile
import threading

import wire
from card import ROOT, row, size
from subject import DIGITS, run_test, server, small_model, wide_model

FEATURES, OUTPUTS = 784, 10
RAW = ["Content-Type: application/octet-stream", "Accept: application/octet-stream"]
ROW_BYTES, ANSWER_BYTES = 4 * FEATURES, 4 * OUTPUTS


class Rows:
    """Rows without end: pieces of a long pattern, from places drawn at random. Some are dense, some mostly zeros as images are, some of any magnitude."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        every = array.array("f", (self.number() for _ in range(400009)))
        self.bytes = every.tobytes()
        self.places = len(every) - FEATURES

    def number(self):
        kind = self.draw.randrange(8)
        if kind < 4:
            return self.draw.gauss(0, 1)
        return 0.0 if kind < 7 else math.ldexp(self.draw.uniform(-1, 1), self.draw.randint(-30, 12))

    def rows(self, count):
        """The bytes of `count` rows, end to end. A third of them are zeros but for up to 120 numbers in a row."""
        parts = []
        for _ in range(count):
            at = 4 * self.draw.randrange(self.places)
            if self.draw.randrange(3):
                parts.append(self.bytes[at:at + ROW_BYTES])
            else:
                begin = 4 * self.draw.randrange(FEATURES)
                some = self.bytes[at:at + 4 * self.draw.randint(1, 120)][:ROW_BYTES - begin]
                parts.append(bytes(begin) + some + bytes(ROW_BYTES - begin - len(some)))
        return b"".join(parts)


def request(rows):
    return wire.request("/predict", rows, RAW)


def answers(connection, requests, in_flight=32):
    """The bodies of the answers to requests sent on one connection, some of them always under way."""
    bodies = []
    for at in range(0, len(requests), in_flight):
        some = requests[at:at + in_flight]
        connection.send(b"".join(map(request, some)))
        for rows in some:
            answer = connection.answer()
            if answer.code != 200:
                raise RuntimeError(f"{len(rows) // ROW_BYTES} rows: {answer}")
            bodies.append(answer.body)
    return bodies


def alone(port, rows):
    """The answers to rows that are asked for one by one, with nobody else there."""
    with wire.Connection(port) as connection:
        return b"".join(answers(connection, [rows[at:at + ROW_BYTES] for at in range(0, len(rows), ROW_BYTES)]))


def together(port, clients):
    """[bodies of each client's requests], asked for by all clients at the same time."""
    results, errors = [None] * len(clients), []

    def run(i):
        try:
            with wire.Connection(port) as connection:
                results[i] = b"".join(answers(connection, clients[i], in_flight=2))
        except Exception as why:  # in a thread: told by the caller
            errors.append(why)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def differing_rows(one, other):
    """How many answers have not the same bits."""
    if one == other:
        return 0
    return sum(one[at:at + ANSWER_BYTES] != other[at:at + ANSWER_BYTES] for at in range(0, max(len(one), len(other)), ANSWER_BYTES))


def cut(draw, rows):
    """The same rows as requests of 1 to 64 of them."""
    requests, at = [], 0
    while at < len(rows):
        count = draw.choice((1, 1, 2, 3, draw.randint(1, 64), draw.randint(1, 64)))
        requests.append(rows[at:at + count * ROW_BYTES])
        at += count * ROW_BYTES
    return requests


@row(35, "E", "a row alone and in batches of 1 to 64 rows, mixed by 4 clients, float32 in and out", "1e6 rows, 0 differ in a bit")
def alone_and_in_batches():
    count, clients, share = size(20000, 1000000), 4, 500
    source, draw = Rows(35), random.Random(36)
    asked = differ = 0
    with server() as single, server("--batch-delay-us", "300") as mixing:
        while asked < count:
            rows = [source.rows(share) for _ in range(clients)]
            wanted = [alone(single.port, part) for part in rows]
            got = together(mixing.port, [cut(draw, part) for part in rows])
            differ += sum(map(differing_rows, wanted, got))
            asked += clients * share
        metrics = mixing.metrics()
    batches = metrics['relud_batch_rows_count{model="digits"}']
    requests = metrics['relud_requests_total{endpoint="predict",code="200"}']
    measured = f"{asked:,} rows, {differ} differ; {requests:,.0f} requests in {batches:,.0f} batches of {asked / batches:.1f} rows in the mean"
    return differ == 0 and batches < requests, measured


# ---- bad rows beside good ones ----

def bad_rows(draw, good):
    """A request that is wrong, or whose answer is not finite, made of a good row: of another length, with a number that is none, too great."""
    at = 4 * draw.randrange(FEATURES)
    great = struct.pack("<f", 3.3e38) * FEATURES
    value = struct.pack("<f", draw.choice((math.nan, math.inf, -math.inf)))
    return draw.choice((good[:-4], good + good[:4], good + b"abc", b"", great, good + great + good, *3 * (good[:at] + value + good[at + 4:],)))


@row(36, "E", "63 good rows and a bad one at the same time: wrong length, NaN, infinity, overflow", "good ones equal in every bit, bad ones 400")
def bad_beside_good():
    count, width = size(20000, 1000000), 64
    source, draw = Rows(37), random.Random(38)
    good = [source.rows(1) for _ in range(2000)]
    asked = differ = bad = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        model = small_model(folder, "steep", [draw.gauss(0, 100) for _ in range(FEATURES)])
        with server("--workers", "1", "--batch-delay-us", "2000", models=[model]) as subject:
            with wire.Connection(subject.port) as connection:
                wanted = answers(connection, good)
            connections = [wire.Connection(subject.port) for _ in range(width)]
            while asked < count:
                places, odd = [draw.randrange(len(good)) for _ in range(width)], draw.randrange(width)
                rows = bad_rows(draw, good[places[odd]])
                for i, connection in enumerate(connections):
                    connection.send(request(rows if i == odd else good[places[i]]))
                got = [connection.answer() for connection in connections]
                wrong += got[odd].code != 400
                differ += sum(got[i].code != 200 or got[i].body != wanted[places[i]] for i in range(width) if i != odd)
                asked, bad = asked + width - 1, bad + 1
            for connection in connections:
                connection.close()
            metrics = subject.metrics()
    mean = metrics['relud_rows_total{model="steep",version="1"}'] / metrics['relud_batch_rows_count{model="steep"}']
    measured = f"{asked:,} good rows beside {bad:,} bad ones, {differ} differ, {wrong} bad ones not 400; {mean:.0f} rows a batch in the mean"
    return not differ and not wrong and mean > 2, measured


@row(37, "E", "the same bits with every instruction set", "scalar, AVX2 and AVX-512 paths equal a chain of fmaf")
def same_on_every_cpu():
    """The kernels in process, over a grid of shapes; the server with each instruction set, one and two workers, and OpenBLAS as for other processors."""
    rows = size(800, 100000)
    parts = run_test("unit/core/kernels/test_linear"), run_test("unit/core/kernels/test_exact"), run_test("http/test_predict", env={"RELUD_TEST_ROWS": str(rows)})
    passed, failed = map(sum, zip(*parts))
    return failed == 0, f"{passed} of {passed + failed} checks of test_linear, test_exact and test_predict, {rows:,} rows each way"


# ---- accuracy ----

UNIT = 2.0 ** -24  # what a rounding to float32 may be off, relatively


def tensors(model):
    """{name: (shape, numbers)} of a model directory's safetensors file."""
    data = (model / "model.safetensors").read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            found[name] = entry["shape"], struct.unpack(f"<{(last - first) // 4}f", data[begin + first:begin + last])
    return found


def linear(weights, bias, x, errors, roundings):
    """[(y, its error at most)] of a layer in float64, every product exact, for inputs that are off by `errors`: K roundings of the sum of magnitudes."""
    y, width = [], len(x)
    places = [k for k in range(width) if x[k] or errors[k]]
    some, off = [x[k] for k in places], [abs(x[k]) + errors[k] for k in places]
    wrong = [errors[k] for k in places]
    for n, b in enumerate(bias):
        w = [weights[n * width + k] for k in places]
        size_of_all = sum(a * abs(c) for a, c in zip(off, w)) + abs(b)
        y.append((math.fsum(a * c for a, c in zip(some, w)) + b, roundings * UNIT * size_of_all + sum(a * abs(c) for a, c in zip(wrong, w))))
    return y


def worst(got, wanted):
    """The greatest error, as a share of what it may be."""
    return max(abs(g - y) / most for g, (y, most) in zip(got, wanted))


def flat_net_share(count):
    """Rows of 64 numbers through one layer of 10 units, against its float64 twin."""
    features, units = 64, 10
    draw, greatest = random.Random(39), 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = wide_model(folder, "flat", (features, units))
        weights = tensors(model)["w0"][1]
        with server(models=[model]) as subject, wire.Connection(subject.port) as connection:
            for _ in range(0, count, 500):
                x = struct.unpack(f"<{500 * features}f", struct.pack(f"<{500 * features}f", *(draw.gauss(0, 1) for _ in range(500 * features))))
                y = struct.unpack(f"<{500 * units}f", answers(connection, [struct.pack(f"<{len(x)}f", *x)])[0])
                for i in range(500):
                    row_of = x[i * features:(i + 1) * features]
                    greatest = max(greatest, worst(y[i * units:(i + 1) * units], linear(weights, [0.0] * units, row_of, [0.0] * features, features)))
    return greatest


def digits_share(count):
    """Images through the bundled net, against the float64 logits in tests/data; the bound is its layers' own, one after the other."""
    images = gzip.decompress((ROOT / "tests/data/digits-images-idx3-ubyte.gz").read_bytes())[16:]
    logits = struct.unpack("<10000d", gzip.decompress((ROOT / "tests/data/digits-logits-f64.gz").read_bytes()))
    net = {name: numbers for name, (_, numbers) in tensors(pathlib.Path(DIGITS) / "1").items()}
    greatest = 0.0
    with server() as subject, wire.Connection(subject.port) as connection:
        for i in range(count):
            pixels = images[i * FEATURES:(i + 1) * FEATURES]
            y = struct.unpack("<10f", answers(connection, [struct.pack(f"<{FEATURES}f", *pixels)])[0])
            x = [pixel * 0.00392156862745098 for pixel in pixels]
            hidden = linear(net["layers.0.weight"], net["layers.0.bias"], x, [0.0] * FEATURES, FEATURES + 3)  # + the scale, its product, the bias
            hidden = [(max(h, 0.0), most) for h, most in hidden]
            bound = linear(net["layers.1.weight"], net["layers.1.bias"], [h for h, _ in hidden], [most for _, most in hidden], len(hidden) + 1)
            greatest = max(greatest, worst(y, [(logit, most) for logit, (_, most) in zip(logits[10 * i:], bound)]))
    return greatest


@row(38, "E", "accuracy against float64: random rows of 64 numbers, and images through the digits net", "greatest error < K·2^-24·Σ|x·w| on 1e5 rows")
def accuracy():
    rows, images = size(20000, 100000), size(100, 1000)
    flat, digits = flat_net_share(rows), digits_share(images)
    return flat < 1 and digits < 1, f"{rows:,} rows: {flat:.3f} of the bound at most; {images:,} images through two layers: {digits:.4f} of theirs"
