"""What the clients share: a digit, what relud's own dialect says of it, and the examples of docs/http.md."""
import json
import pathlib
import re
import struct
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ADDRESS, ADMIN = sys.argv[1:3]
DIGIT = json.loads((ROOT / "tests/data/digit-7.json").read_text())["inputs"]
DIGIT = DIGIT[0] if isinstance(DIGIT[0], list) else DIGIT


def ask(path, body=None, address=ADDRESS, headers=None):
    request = urllib.request.Request(f"http://{address}{path}", data=body, headers=headers or {})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def native_bits():
    """The logits of DIGIT as four bytes each."""
    return ask("/predict", json.dumps({"inputs": [DIGIT]}).encode(), headers={"Accept": "application/octet-stream"})


def bits(values):
    return struct.pack(f"<{len(values)}f", *values)


def example(word):
    """The example in docs/http.md whose code holds the word, for this server."""
    for _, code in re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/http.md").read_text(), re.S):
        if word in code:
            return code.replace("localhost:8080", ADDRESS)
    raise SystemExit(f"docs/http.md has no example of {word}")
