#!/usr/bin/env python3
"""Trains the bundled digits model: 784 -> 256 -> 10 with ReLU, cross entropy and SGD, on MNIST.

usage: train.py MNIST_DIR OUT_DIR      (Debian: apt install python3-torch)

MNIST_DIR holds the four IDX .gz files. OUT_DIR gets model.json and model.safetensors.
"""
import gzip
import json
import pathlib
import struct
import sys

import numpy as np
import torch

SEED, EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 1, 30, 100, 0.08, 0.9, 1e-4
SCALE = 0.00392156862745098  # 1/255: grey values become 0..1


def read_idx(path):
    data = gzip.open(path).read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def shifted(images):
    """Every image moved by -1, 0 or +1 pixel in both directions; zeros come in at the edge."""
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))
    moves = torch.randint(0, 3, (len(images), 2))
    out = torch.empty_like(images)
    for dy in range(3):
        for dx in range(3):
            chosen = (moves[:, 0] == dy) & (moves[:, 1] == dx)
            out[chosen] = padded[chosen, dy : dy + 28, dx : dx + 28]
    return out


def train(images, labels):
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    steps = EPOCHS * ((len(images) + BATCH - 1) // BATCH)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(shifted(images[chosen]).view(-1, 784)), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}", flush=True)
    return net


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + data)


def write_model(out, net):
    out.mkdir(parents=True, exist_ok=True)
    first, last = net[0], net[2]
    write_safetensors(
        out / "model.safetensors",
        {"fc1.weight": first.weight, "fc1.bias": first.bias, "fc2.weight": last.weight, "fc2.bias": last.bias},
    )
    model = {
        "format": "relud-model/1",
        "name": "digits",
        "description": "Handwritten digits: 28x28 grey values 0..255, row by row, black background (MNIST)",
        "input": {"name": "pixels", "features": 784, "scale": SCALE},
        "layers": [
            {"weight": "fc1.weight", "bias": "fc1.bias", "activation": "relu"},
            {"weight": "fc2.weight", "bias": "fc2.bias"},
        ],
        "output": {"name": "logits", "task": "classification", "labels": [str(i) for i in range(10)]},
    }
    (out / "model.json").write_text(json.dumps(model, indent=1) + "\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    mnist, out = map(pathlib.Path, sys.argv[1:])
    torch.manual_seed(SEED)
    part = lambda name: torch.from_numpy(read_idx(mnist / f"{name}.gz").copy())
    images = part("train-images-idx3-ubyte").float() * SCALE
    net = train(images, part("train-labels-idx1-ubyte").long())
    test = part("t10k-images-idx3-ubyte").float().view(-1, 784) * SCALE
    truth = part("t10k-labels-idx1-ubyte").long()
    guess = net(test).argmax(1)
    for digit in range(10):
        chosen = truth == digit
        print(f"{digit}: {(guess[chosen] == digit).float().mean().item():.2%}")
    print(f"accuracy {(guess == truth).float().mean().item():.2%}")
    write_model(out, net)


if __name__ == "__main__":
    main()
