"""D. Parsers: rows 26 to 34."""
import base64
import gzip
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile

import corpus
import json_texts
import mutate
import wire
from card import NotRun, ROOT, row, size
from mutate import FLOATS
from subject import DIGIT_BODY, RELUD, fuzz_row, sanitized, server, small_model

CODE = re.compile(rb"(?:^|\n)HTTP/1\.[01] (\d{3}) ")
SOON = ("--header-timeout-ms", "500", "--body-timeout-ms", "500")


# ---- fuzzing ----

@row(26, "D", "every reader under libFuzzer, ASan and UBSan: bodies, numbers, row files, models, ONNX, headers, keys, settings, whole requests",
     ">= 10 CPU hours in all, 0 findings", timed=True)
def fuzzed_readers():
    return fuzz_row(("json", "number", "rows", "model", "onnx", "framing", "keys", "config", "request"), hours=10)


def mutated_fault(subject, path, draw):
    """One changed request: with its framing in order, or with any byte changed. "" when every answer is one that may be."""
    port = subject.admin_port if path in mutate.ADMIN else subject.port
    if path in mutate.POSTS and draw.randrange(2):
        data = mutate.changed_body(draw, path)
    else:
        data = mutate.changed_bytes(draw, path)
    answer = wire.exchange(port, data + corpus.FOLLOWER, is_half_closed=True)
    codes = [int(code) for code in CODE.findall(answer)]
    bad = [code for code in codes if code >= 500 and code not in (501, 503, 505)]  # 501: traces are not offered; 505: a version that was changed
    return f"{path}: {bad or 'no answer'} to {data[:200]!r}" if bad else ""


@row(27, "D", "changed requests on every endpoint, and whether it answers right afterwards",
     "0 crashes, 0 codes of 5xx but 503 (501 for traces, 505 for other versions of HTTP)")
def mutated_requests():
    command = sanitized(is_needed=False)
    count, draw = size(20000 // len(mutate.ENDPOINTS), 1000000), random.Random(27)
    health = "/predict", b'{"inputs":[[1,2],[3,4]],"model":"m"}'
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        models = [small_model(folder, name, output={"name": "y", "task": "classification", "labels": ["no", "yes"]}) for name in ("m", "spare")]
        with server(*SOON, "--default-model", "m", models=models, command=command, admin=True) as subject:
            wanted = subject.ask(*health).body
            for path in mutate.ENDPOINTS:
                seeds = (draw.getrandbits(64) for _ in range(count))
                faults += filter(None, wire.spread(lambda seed: mutated_fault(subject, path, random.Random(seed)), seeds, 4))
                answer = subject.ask(*health)
                if (answer.code, answer.body) != (200, wanted):
                    faults.append(f"after {path}: {answer}")
    build = "with ASan and UBSan" if command else "ordinary build"
    total = count * len(mutate.ENDPOINTS)
    measured = f"{total:,} requests, {count:,} to each of {len(mutate.ENDPOINTS)} endpoints, {build}: 0 crashes, {len(faults)} wrong answers"
    return not faults, measured + "".join(f"; {f}" for f in faults[:3])


# ---- JSON, number by number and text by text ----

def float32_bits(number):
    """The bits of a double rounded to float32; None where none is finite."""
    try:
        return struct.pack("<f", number) if math.isfinite(number) else None
    except OverflowError:
        return None


def python_takes(body):
    """What strict UTF-8 and Python's json make of it, every number a double; NaN and Infinity, which it takes by default, are refused.
    The value in a list, or None."""
    def refuse(word):
        raise ValueError(word)
    try:
        return [json.loads(body.decode("utf-8"), parse_int=float, parse_constant=refuse)]
    except (ValueError, RecursionError):
        return None


def shape_of(value):
    return [len(value), *shape_of(value[0])] if isinstance(value, list) and value else []


def numbers_of(value):
    """The numbers of evenly nested arrays in their order; None of anything else."""
    if isinstance(value, float):
        return [value]
    if not isinstance(value, list) or not value or any(shape_of(part) != shape_of(value[0]) for part in value):
        return None
    parts = [numbers_of(part) for part in value]
    return None if None in parts else [number for part in parts for number in part]


def input_fault(subject, text):
    """text as /relu's input: numbers in even arrays are given back by the activation that changes nothing, bit by bit; all else is 400."""
    body = b'{"activation":"identity","input":' + text + b"}"
    answer, value = subject.ask("/relu", body), python_takes(body)
    numbers = numbers_of(value[0]["input"]) if value and set(value[0]) == {"activation", "input"} else None
    wanted = numbers and list(map(float32_bits, numbers))
    if not wanted or None in wanted:
        return "" if answer.code == 400 else f"{answer.code} as input"
    if answer.code != 200:
        return f"{answer.code} as input: {answer.body[:80]}"
    output = json.loads(answer.body, parse_int=float)["output"]
    is_same = list(map(float32_bits, numbers_of(output))) == wanted and shape_of(output) == shape_of(value[0]["input"])
    return "" if is_same else f"read as {answer.body[:80]}"


def is_absent(value):
    """A member that is null counts as absent, also one that is not known."""
    return value is not None and "k" in value[0] and value[0]["k"] is None


def text_faults(subject, text, is_taken, words=""):
    """How relud and Python differ about a text that the table takes or not; words: relud's about a difference that is documented. As a member that /relu
    does not know, the text has passed when that is what is wrong with it."""
    faults = []
    body = b'{"input":1,"k":' + text + b"}"
    answer, value = subject.ask("/relu", body), python_takes(body)
    if is_absent(value):
        return [] if answer.code == 200 else [f"null: {answer.code}"]
    if (value is not None) != (is_taken or bool(words)):
        faults.append(f"Python {'takes' if value else 'refuses'} it")
    if answer.code != 400 or (b"unknown member 'k'" in answer.body) != is_taken or words.encode() not in answer.body:
        faults.append(f"{answer.code}: {answer.body[:80]}")
    whole = subject.ask("/relu", text)
    if whole.code != 400 or list(json.loads(whole.body)) != ["error"]:
        faults.append(f"{whole.code} as a whole body")
    if not words:
        faults += filter(None, [input_fault(subject, text)])
    return [f"{text[:40]!r}: {fault}" for fault in faults]


def changed_text_fault(connection, text):
    """A text that was changed at random, as a member: relud takes it when Python does, but for what is documented."""
    body = b'{"input":1,"k":' + text + b"}"
    connection.send(wire.request("/relu", body))
    answer, value = connection.answer(), python_takes(body)
    if is_absent(value):
        return "" if answer.code == 200 else f"null: {answer}"
    is_taken = b"unknown member" in answer.body
    if answer.code not in (400, 413) or is_taken and value is None:
        return f"{text[:60]!r}: {answer}"
    if value is not None and not is_taken and answer.code != 413 and not any(words.encode() in answer.body for words in json_texts.OPEN):
        return f"{text[:60]!r}, which Python takes: {answer}"
    return ""


@row(28, "D", "JSON texts against Python's json: as a member, as /relu's input, as a whole body", "0 differences beyond those documented")
def json_differences():
    taken, refused, different = json_texts.TAKEN, json_texts.REFUSED, [(text, words) for words, texts in json_texts.OPEN.items() for text in texts]
    count, draw = size(20000, 1000000), random.Random(28)
    with server() as subject, wire.Connection(subject.port) as connection:
        faults = [fault for text in taken for fault in text_faults(subject, text, True)]
        faults += [fault for text in refused for fault in text_faults(subject, text, False)]
        faults += [fault for text, words in different for fault in text_faults(subject, text, False, words)]
        changed = (mutate.change(draw, draw.choice(taken)) for _ in range(count))
        faults += filter(None, (changed_text_fault(connection, text) for text in changed))
    measured = (f"{len(taken)} texts taken and {len(refused)} refused by both, {count:,} changed ones alike; {len(different)} that the RFC leaves open refused "
                f"(duplicate members, depth over 32, lone surrogates, \\u0000); {len(faults)} differences")
    return not faults, measured + "".join(f"; {f}" for f in faults[:8])


# ---- numbers ----

def dialects(model, text):
    """[(path, body)]: text among the numbers of one row of two, in every JSON dialect; the number's place is 1."""
    return [("/relu", b'{"activation":"identity","input":[0,' + text + b"]}"), ("/predict", b'{"model":"%s","inputs":[[0,' % model + text + b"]]}"),
            ("/v2/models/%s/infer" % model.decode(), b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0,' + text + b"]}]}"),
            ("/v1/models/%s:predict" % model.decode(), b'{"instances":[[0,' + text + b"]]}")]


def answered_number(path, answer):
    """The last number of a dialect's answer: /relu's second, or the net's only output."""
    fields = json.loads(answer.body, parse_int=float)
    rows = {"/relu": lambda: fields["output"], "/predict": lambda: fields["outputs"][0]}.get(
        path, lambda: fields["predictions"][0] if "predictions" in fields else fields["outputs"][0]["data"])()
    return rows[-1]


def number_fault(path, answer, text):
    """"" when a number is read as a double rounded to float32, or refused with its place where there is none."""
    wanted = None if text in json_texts.MALFORMED_NUMBERS else float32_bits(float(text))
    if wanted is None:
        # 1f is a number and what does not belong in the next place
        return "" if answer.code == 400 and re.search(rb"\[[12]\]", answer.body) else f"{path} {text[:20]!r}: {answer}"
    if answer.code != 200:
        return f"{path} {text[:20]!r}: {answer}"
    got = float32_bits(answered_number(path, answer))
    if path != "/relu" and float(text) == 0:  # the net adds it to 0: of two zeros there is one
        wanted, got = wanted[:3], got[:3]
    return "" if got == wanted else f"{path} {text[:20]!r}: read as {answer}"


@row(29, "D", "numbers at the edges: 1e999, 1e-400, 1e38, 3.5e38, 01, 1., 4,300 digits, half-way decimals", "400 with the place, or rounded as strtof")
def numbers_at_the_edges():
    texts = json_texts.NUMBERS + json_texts.TOO_GREAT + json_texts.MALFORMED_NUMBERS
    faults = []
    with tempfile.TemporaryDirectory() as folder, server(models=[small_model(folder, "sum", (1.0, 1.0))]) as subject:
        for text in texts:
            faults += filter(None, (number_fault(path, subject.ask(path, body), text) for path, body in dialects(b"sum", text)))
    return not faults, f"{len(texts)} numbers in 4 dialects, {len(faults)} read otherwise" + "".join(f"; {f}" for f in faults[:3])


def binary_dialects(model, numbers):
    """[(path, body, headers)]: one row of float32 in every binary form."""
    data = struct.pack(f"<{len(numbers)}f", *numbers)
    head = b'{"inputs":[{"name":"x","shape":[1,%d],"datatype":"FP32","parameters":{"binary_data_size":%d}}]}' % (len(numbers), len(data))
    npy = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d), }" % len(numbers)
    npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + npy.ljust(117) + b"\n" + data
    raw = ["Content-Type: application/octet-stream"]
    return [("/relu", data, raw), (f"/predict?model={model}", data, raw), (f"/predict?model={model}", npy, ["Content-Type: application/x-npy"]),
            (f"/v2/models/{model}/infer", head + data, [*raw, f"Inference-Header-Content-Length: {len(head)}"]),
            (f"/v1/models/{model}:predict", b'{"instances":[{"b64":"%s"}]}' % base64.b64encode(data), [])]


GREAT = 3e38
TOKENS = (b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"null", b'"NaN"')


def overflows(model):
    """Requests of finite numbers whose answers are not finite: infinite in a net with great weights, and in an activation."""
    asked = [(path, body, []) for path, body in dialects(model.encode(), b"3e38")[1:]]
    asked += [(path, body, headers) for path, body, headers in binary_dialects(model, (GREAT, GREAT)) if not path.startswith("/relu")]
    asked += [(path, body, [*headers, "Accept: application/octet-stream"]) for path, body, headers in asked if path.startswith("/predict")]
    return asked + [("/relu", b'{"input":[0,3.4e38],"activation":"selu"}', [])]


@row(30, "D", "numbers that are none: NaN and infinities in, overflow out", "400 in; out never null, inf or NaN with 200 unless --nonfinite says so")
def not_finite():
    faults, asked = [], 0
    with tempfile.TemporaryDirectory() as folder:
        models = [small_model(folder, "great", (GREAT, GREAT)), small_model(folder, "apart", (GREAT, -GREAT))]
        with server(models=models) as subject:
            bad = [(path, body, []) for text in TOKENS for path, body in dialects(b"great", text)]
            bad += [form for value in (math.nan, math.inf, -math.inf) for form in binary_dialects("great", (0.5, value))]
            bad += overflows("great") + overflows("apart")[:-1]
            for path, body, headers in bad:
                answer = subject.ask(path, body, headers)
                asked += 1
                if answer.code != 400 or list(json.loads(answer.body)) != ["error"]:
                    faults.append(f"{path} {body[:60]!r}: {answer}")
        for choice, token in (("null", b"null"), ("token", b"Infinity")):
            with server("--nonfinite", choice, models=models) as subject:
                answer = subject.ask("/predict", b'{"model":"great","inputs":[[0,3e38]]}')
                asked += 1
                if answer.code != 200 or b'"outputs":[[' + token + b"]]" not in answer.body:
                    faults.append(f"--nonfinite {choice}: {answer}")
    return not faults, f"{asked} requests, {len(faults)} answered otherwise" + "".join(f"; {f}" for f in faults[:3])


# ---- size ----

def cost(subject, path, body, headers=(), times=10):
    """(code, greatest growth in bytes of the first time, mean CPU seconds of some more) of a request."""
    before = subject.reset_peak()
    code = subject.ask(path, body, headers).code
    growth, begin = subject.peak() - before, subject.cpu_seconds()
    codes = {subject.ask(path, body, headers).code for _ in range(times)} | {code}
    return codes.pop() if len(codes) == 1 else codes, growth, (subject.cpu_seconds() - begin) / times


def nested(depth, end=True):
    return b'{"input":' + b"[" * depth + (b"1" + b"]" * depth + b"}" if end else b"")


@row(31, "D", "nesting of 32, which is documented, of 33, of 1e6", "ok; 400; 400 in < 10 ms of CPU, stack flat", timed=True)
def nesting():
    forms = [("32", nested(32), 200), ("33", nested(33), 400), ("1e6 arrays", nested(1000000), 400), ("1e6 arrays without end", nested(1000000, False), 400),
             ("200,000 objects", b'{"a":' * 200000, 400), ("1e6 arrays beside the input", b'{"input":1,"x":' + b"[" * 1000000, 400)]
    seen, held = [], True
    with server("--workers", "1") as subject:
        for what, body, wanted in forms:
            code, growth, seconds = cost(subject, "/relu", body)
            held &= code == wanted and seconds < 0.010 and growth < 2 * len(body) + 1e6
            seen.append(f"{what}: {code}, {1000 * seconds:.1f} ms, +{growth / 1e6:.1f} MB")
    return held, "; ".join(seen)


def amplifiers(size_bytes):
    """Bodies that are small to write and could be great to read: [(what, path, body, headers)]."""
    zeros = b"0," * (size_bytes // 2 - 1) + b"0"
    keys = b",".join(b'"%d":0' % i for i in range(1000000))[:size_bytes]
    keys = keys[:keys.rindex(b",")]
    return [("`0,` to /predict", "/predict", b'{"inputs":[' + zeros + b"]}", []), ("`0,` without an object", "/relu", zeros, []),
            ("`0,` to /relu", "/relu", b'{"input":[' + zeros + b"]}", []),
            ("one number", "/relu", b'{"input":' + b"1" * size_bytes + b"}", []), ("one number 0.000", "/relu", b'{"input":0.' + b"0" * size_bytes + b"1}", []),
            ("keys", "/relu", b'{"input":1,' + keys + b"}", []), ("a string", "/relu", b'{"input":1,"a":"' + b"\\u0041" * (size_bytes // 6) + b'"}', []),
            ("empty arrays", "/relu", b'{"input":[' + b"[]," * (size_bytes // 3) + b"[]]}", []),
            ("gzip of `0,`", "/relu", gzip.compress(b'{"input":[' + zeros + b"]}"), ["Content-Encoding: gzip"])]


@row(32, "D", "amplification: 8 MB of `0,`, of one number, of keys, of escapes, of empty arrays, packed",
     "memory < 3 bodies more (text, answer, slack) beside 4 bytes a number; < 50 ms of CPU a MB", timed=True)
def amplification():
    seen, held = [], True
    size_bytes = 8 << 20
    for what, path, body, headers in amplifiers(size_bytes):
        with server("--workers", "1") as subject:
            length = max(len(body), size_bytes)  # what a packed body unpacks to counts
            code, growth, seconds = cost(subject, path, body, headers, times=2)
            numbers = (gzip.decompress(body) if headers else body).count(b",")
            held &= growth < 3 * length + 4 * numbers and seconds < 0.050 * length / 1e6
            seen.append(f"{what}: {code}, memory {growth / length:.1f}×, {1000 * seconds / (length / 1e6):.1f} ms a MB")
    return held, "; ".join(seen)


# ---- names and texts ----

BAD_MEMBERS = (b'"a":1,"a":1', b'"a":1,"\\u0061":1', b'"a\\u0000":1', b'"a":"\\u0000"', b'"a":"b\\u0000c"', b'"a":"\xff"', b'"\xc0\xaf":1',
               b'"a":"\xed\xa0\x80"', b'"a":"\xf4\x90\x80\x80"', b'"a":"\x00"', b'"a":"\n"')
BAD_TAILS = (b"x", b"}", b"]", b",", b"{}", b"null", b"\0", b"//", b"\xff", b"\xef\xbb\xbf", b" 0")
INFER, V1 = "/v2/models/sum/infer", "/v1/models/sum:predict"
BAD_WITHIN = [("/predict", b'{"inputs":[[0,1]],"model":"sum\\u0000"}'), ("/predict", b'{"inputs":[[0,1]],"model":"sum","model":"sum"}'),
              (INFER, b'{"inputs":[{"name":"x","name":"x","shape":[1,2],"datatype":"FP32","data":[0,1]}]}'),
              (INFER, b'{"inputs":[{"name":"x\\u0000","shape":[1,2],"datatype":"FP32","data":[0,1]}]}'),
              (V1, b'{"instances":[{"x":[0,1],"x":[0,1]}]}'), (V1, b'{"instances":[{"x":[0,1]}],"signature_name":"a\\u0000"}')]


def bad_bodies(path, body):
    """What no dialect takes, made of what it takes: the first member twice, other bad members, bytes before it and behind its end."""
    first = re.match(rb'\{("\w+":(?:"[^"]*"|\[.*?\](?=[,}])))', body, re.S)[1]
    bad = [body[:-1] + b"," + member + b"}" for member in (first, *BAD_MEMBERS)]
    bad += [body + tail for tail in BAD_TAILS] + [b"\xef\xbb\xbf" + body, b"\0" + body]
    return [(path, text) for text in bad]


@row(33, "D", "duplicate members, \\u0000, no UTF-8, bytes behind the end, in every dialect", "400")
def bad_texts():
    good = dialects(b"sum", b"1")
    bad = [form for path, body in good for form in bad_bodies(path, body)] + BAD_WITHIN
    with tempfile.TemporaryDirectory() as folder, server(models=[small_model(folder, "sum", (1.0, 1.0))]) as subject:
        faults = [f"{path} {body[:80]!r}: {answer}" for path, body in good if (answer := subject.ask(path, body)).code != 200]
        for path, body in bad:
            answer = subject.ask(path, body)
            if answer.code != 400 or list(json.loads(answer.body)) != ["error"]:
                faults.append(f"{path} {body[:120]!r}: {answer}")
    return not faults, f"{len(bad)} bodies, {len(faults)} not 400" + "".join(f"; {f}" for f in faults[:4])


# ---- locale ----

def german(folder):
    """The environment of a locale with decimal commas, made in `folder`; NotRun where that cannot be."""
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", f"{folder}/de_DE.UTF-8"], capture_output=True) if shutil.which("localedef") else None
    env = {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}
    seen = made and subprocess.run(["/usr/bin/printf", "%.1f", "0,5"], env=env, capture_output=True, text=True).stdout
    if seen != "0,5":
        raise NotRun("no locale with decimal commas can be made here (localedef, package locales)")
    return env


def answers_in(env):
    """What servers and commands say that has numbers in it."""
    model, digits = ROOT / "deploy/models/digits", ROOT / "tests/data/digits-32.json"
    asked = [("/relu", b'{"input":[0.5,-1.25,1e-3,123456.789],"activation":"elu","alpha":0.25,"gradient":true}'),
             ("/predict", DIGIT_BODY), ("/predict", digits.read_bytes()), ("/v2/models/digits/config", None), ("/v1/models/digits/metadata", None),
             ("/openapi.json", None), ("/relu", b'{"input":0,5}'), ("/relu?activation=elu&alpha=0.5", FLOATS)]
    with server("--workers", "1", env=env) as subject:
        said = [subject.ask(path, body, ["Content-Type: application/octet-stream"] if body is FLOATS else []) for path, body in asked]
        timing = [answer.headers.get("server-timing", "") for answer in said]
        metrics = subject.ask("/metrics").body.decode()
    commas = [line for line in timing if re.search(r"\d,\d", line)] + re.findall(r"^[a-z]\S* \d+,\d+$", metrics, re.M)
    command = subprocess.run([RELUD, "predict", model, digits], env={**os.environ, **env}, capture_output=True)
    return [(answer.code, answer.body) for answer in said] + [command.stdout], commas


@row(34, "D", "a locale with decimal commas", "LC_ALL=de_DE: same answers")
def locale():
    with tempfile.TemporaryDirectory() as folder:
        env = german(folder)
        (here, _), (there, commas) = answers_in({"LC_ALL": "C"}), answers_in(env)
    differing = sum(a != b for a, b in zip(here, there))
    return differing == 0 and not commas, f"{len(here)} answers, {differing} differ; {len(commas)} decimal commas in metrics and headers"
