#!/usr/bin/env python3
"""Makes the files beside it: the first 1,000 MNIST test digits, and what PyTorch says of them.

usage: make.py MNIST_DIR      (Debian: apt install python3-torch)
"""
import gzip
import json
import pathlib
import struct
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parent.parent / "deploy/models/digits/1"
COUNT = 1000


def write_gz(name, data):
    (HERE / name).write_bytes(gzip.compress(data, 9, mtime=0))


def main():
    mnist = pathlib.Path(sys.argv[1])
    images = gzip.open(mnist / "t10k-images-idx3-ubyte.gz").read()[16 : 16 + 784 * COUNT]
    labels = gzip.open(mnist / "t10k-labels-idx1-ubyte.gz").read()[8 : 8 + COUNT]
    write_gz("digits-images-idx3-ubyte.gz", struct.pack(">IIII", 0x803, COUNT, 28, 28) + images)
    write_gz("digits-labels-idx1-ubyte.gz", struct.pack(">II", 0x801, COUNT) + labels)
    pixels = np.frombuffer(images, np.uint8).reshape(COUNT, 784)
    (HERE / "digit-7.json").write_text(json.dumps({"inputs": [pixels[0].tolist()]}, separators=(",", ":")) + "\n")
    (HERE / "digits-32.json").write_text(json.dumps({"inputs": pixels[:32].tolist()}, separators=(",", ":")) + "\n")
    raw = (MODEL / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])

    def tensor(name):
        begin, end = header[name]["data_offsets"]
        return np.frombuffer(raw[8 + size + begin : 8 + size + end], "<f4").reshape(header[name]["shape"])

    x = pixels.astype(np.float64) * 0.00392156862745098
    hidden = np.maximum(x @ tensor("layers.0.weight").astype(np.float64).T + tensor("layers.0.bias"), 0)
    logits = hidden @ tensor("layers.1.weight").astype(np.float64).T + tensor("layers.1.bias")
    write_gz("digits-logits-f64.gz", logits.astype("<f8").tobytes())
    t = lambda name: torch.from_numpy(tensor(name).copy())
    x = torch.from_numpy(pixels.astype(np.float32)) * 0.00392156862745098
    y = torch.relu(x @ t("layers.0.weight").T + t("layers.0.bias")) @ t("layers.1.weight").T + t("layers.1.bias")
    (HERE / "digits-classes.txt").write_text("".join(f"{c}\n" for c in y.argmax(1).tolist()))


if __name__ == "__main__":
    main()
