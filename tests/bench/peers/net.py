"""The model directories of relud, read with nothing but Python: what the peers serve is what relud serves."""
import array
import json
import os
import pathlib
import struct


class Net:
    """layers: (weight bytes, (outputs, inputs), bias bytes, is_relu); float32, little-endian, [out][in]."""

    def __init__(self, path):
        path = pathlib.Path(path)
        if not (path / "model.json").exists():
            path = path / "1"
        self.model = json.loads((path / "model.json").read_text())
        raw = (path / "model.safetensors").read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        self.tensors = {}
        for name, entry in json.loads(raw[8 : 8 + size]).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                self.tensors[name] = (entry["shape"], raw[8 + size + begin : 8 + size + end])
        self.name = self.model["name"]
        self.features = self.model["input"]["features"]
        self.scale = self.model["input"].get("scale", 1.0)
        self.is_classifier = self.model.get("output", {}).get("task") == "classification"
        self.layers = []
        for layer in self.model["layers"]:
            shape, weight = self.tensors[layer["weight"]]
            _, bias = self.tensors[layer["bias"]]
            self.layers.append((weight, shape, bias, layer.get("activation") == "relu"))


def served():
    """The net that the benchmark asks for."""
    return Net(os.environ["BENCH_MODEL"])


def write_model(path, name, widths, seed, is_bfloat16=False):
    """A relud model with random weights, as He initialises them: for the sizes the bundled one has not. is_bfloat16: float32 numbers that
    are exactly bfloat16."""
    import random

    rng = random.Random(seed)
    tensors, layers = {}, []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        deviation = (2 / inputs) ** 0.5
        noise = [rng.gauss(0, deviation) for _ in range(4099)]  # repeated: drawing millions would take minutes
        count = inputs * outputs
        if is_bfloat16:
            bits = array.array("I", array.array("f", noise).tobytes())
            noise = array.array("f", array.array("I", (one & 0xFFFF0000 for one in bits)).tobytes()).tolist()
        weight = array.array("f", (noise * (count // len(noise) + 1))[:count])
        tensors[f"fc{i}.weight"] = ([outputs, inputs], weight.tobytes())
        tensors[f"fc{i}.bias"] = ([outputs], array.array("f", [0.01] * outputs).tobytes())
        layers.append({"weight": f"fc{i}.weight", "bias": f"fc{i}.bias"})
        if i + 2 < len(widths):
            layers[-1]["activation"] = "relu"
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    head, at = {}, 0
    for key, (shape, data) in tensors.items():
        head[key] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            file.write(data)
    model = {"format": "relud-model/1", "name": name, "input": {"name": "x", "features": widths[0]}, "layers": layers}
    (path / "model.json").write_text(json.dumps(model))
