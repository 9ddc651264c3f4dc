"""D. Parsers: rows 26 to 34."""
import json
import math
import random
import re
import struct
import tempfile

import corpus
import json_texts
import mutate
import wire
from card import row, size
from subject import fuzz_row, sanitized, server, small_model

CODE = re.compile(rb"(?:^|\n)HTTP/1\.[01] (\d{3}) ")
SOON = ("--header-timeout-ms", "500", "--body-timeout-ms", "500")


# ---- fuzzing ----

@row(26, "D", "the readers of bodies, numbers, row files, headers, keys, settings and whole requests under libFuzzer, ASan and UBSan",
     ">= 10 CPU hours in all, 0 findings", timed=True)
def fuzzed_readers():
    return fuzz_row(("json", "number", "rows", "gate", "keys", "config", "request"), hours=10)


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


@row(27, "D", "changed requests on every endpoint, and whether it answers right afterwards", "0 crashes, 0 codes of 5xx but 503 (501 for traces, 505 for other versions of HTTP)")
def mutated_requests():
    program = sanitized()
    count, draw = size(20000 // len(mutate.ENDPOINTS), 1000000), random.Random(27)
    health = "/predict", b'{"inputs":[[1,2],[3,4]],"model":"m"}'
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        models = [small_model(folder, name, output={"name": "y", "task": "classification", "labels": ["no", "yes"]}) for name in ("m", "spare")]
        with server(*SOON, models=models, command=program and [program], admin=True) as subject:
            wanted = subject.ask(*health).body
            for path in mutate.ENDPOINTS:
                faults += filter(None, wire.spread(lambda seed: mutated_fault(subject, path, random.Random(seed)), (draw.getrandbits(64) for _ in range(count)), 4))
                answer = subject.ask(*health)
                if (answer.code, answer.body) != (200, wanted):
                    faults.append(f"after {path}: {answer}")
    build = "with ASan and UBSan" if program else "ordinary build"
    measured = f"{count * len(mutate.ENDPOINTS):,} requests, {count:,} to each of {len(mutate.ENDPOINTS)} endpoints, {build}: 0 crashes, {len(faults)} wrong answers"
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


def text_faults(subject, text, is_taken, words=""):
    """How relud and Python differ about a text that the table takes or not; words: relud's about a difference that is documented. As a member that /relu
    does not know, the text has passed when that is what is wrong with it."""
    faults = []
    body = b'{"input":1,"k":' + text + b"}"
    answer, value = subject.ask("/relu", body), python_takes(body)
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


@row(28, "D", "JSON texts against Python's json: as a member, as /relu's input, as a whole body", "0 differences beyond those documented")
def json_differences():
    taken, refused, different = json_texts.TAKEN, json_texts.REFUSED, [(text, words) for words, texts in json_texts.OPEN.items() for text in texts]
    with server() as subject:
        faults = [fault for text in taken for fault in text_faults(subject, text, True)]
        faults += [fault for text in refused for fault in text_faults(subject, text, False)]
        faults += [fault for text, words in different for fault in text_faults(subject, text, False, words)]
    measured = (f"{len(taken)} texts taken and {len(refused)} refused by both; {len(different)} that the RFC leaves open refused (duplicate members, depth over 32, "
                f"lone surrogates, \\u0000); {len(faults)} differences")
    return not faults, measured + "".join(f"; {f}" for f in faults[:8])
