"""A net of a table with 30 columns, a third of them words, and rows for it in every form that /predict reads."""
import json
import random

import net

COLUMNS, WORDS, CATEGORIES, HIDDEN = 30, 10, 20, 64
SYLLABLES = ("ba", "den", "fir", "go", "hal", "ki", "lon", "mer", "no", "pra", "sul", "ti", "vor", "wen", "zu")
rng = random.Random(7)


def word(syllables):
    return "".join(rng.choice(SYLLABLES) for _ in range(syllables))


def different(count, syllables):
    found = {}
    while len(found) < count:
        found[word(rng.randint(*syllables))] = None
    return list(found)


NAMES = different(COLUMNS, (2, 5))
CATEGORY = {name: different(CATEGORIES, (1, 4)) for name in NAMES[2::3]}


def write_model(path):
    """20 numbers and 10 words, one-hot, before a hidden layer."""
    net.write_model(path, "words", [COLUMNS - WORDS + WORDS * CATEGORIES, HIDDEN, 1], seed=3)
    model = json.loads((path / "model.json").read_text())
    del model["input"]
    model["inputs"] = [{"name": name, **({"categories": CATEGORY[name]} if name in CATEGORY else {})} for name in NAMES]
    (path / "model.json").write_text(json.dumps(model))


def rows(count):
    return [[rng.choice(CATEGORY[name]) if name in CATEGORY else round(rng.random() * 100, rng.randint(0, 4)) for name in NAMES] for _ in range(count)]


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def forms(table):
    """{form: (path, body, headers)}"""
    csv = "\n".join(",".join(map(str, line)) for line in [NAMES, *table]) + "\n"
    tensors = [{"name": name, "shape": [len(table), 1], "datatype": "BYTES" if name in CATEGORY else "FP32", "data": [row[i] for row in table]}
               for i, name in enumerate(NAMES)]
    return {
        "arrays": ("/predict", compact({"inputs": table}), []),
        "records": ("/predict", compact({"inputs": [dict(zip(NAMES, row)) for row in table]}), []),
        "columns": ("/predict", compact({"inputs": dict(zip(NAMES, zip(*table)))}), []),
        "CSV": ("/predict", csv.encode(), ["Content-Type: text/csv"]),
        "V1 records": ("/v1/models/words:predict", compact({"instances": [dict(zip(NAMES, row)) for row in table]}), []),
        "V2, a tensor a column": ("/v2/models/words/infer", compact({"inputs": tensors}), []),
    }
