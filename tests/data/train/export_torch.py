#!/usr/bin/env python3
"""Writes the files beside it: what PyTorch's autograd says of random nets, and where its optimizers lead.

gradients.txt, steps.txt   a line a net: loss, widths, activation, batch[, optimizer and settings]
gradients.npy, steps.npy   their numbers, net after net, as float32:
    the parameters (of each layer weight[out][in], bias[out], PReLU's slopes), x[batches][batch][features],
    targets (a class or the outputs for each row), and then the loss and the parameters' gradients, or, after a step on
    each batch, the parameters.

Made with Debian 12's python3-torch 1.13."""
import pathlib

import numpy
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
ACTIVATIONS = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "prelu": nn.PReLU, "prelu:channels": nn.PReLU, "elu": nn.ELU,
    "selu": nn.SELU, "celu": nn.CELU, "silu": nn.SiLU, "gelu": nn.GELU, "mish": nn.Mish, "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh, "softplus": nn.Softplus, "softsign": nn.Softsign, "logsigmoid": nn.LogSigmoid,
    "hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "hardtanh": nn.Hardtanh, "relu6": nn.ReLU6,
    "tanhshrink": nn.Tanhshrink, "softshrink": nn.Softshrink, "hardshrink": nn.Hardshrink,
    "softmax": lambda: nn.Softmax(-1), "log_softmax": lambda: nn.LogSoftmax(-1), "identity": nn.Identity,
}
LOSSES = ("cross_entropy", "binary_cross_entropy", "squared_error")


def net_of(widths, name):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(inputs, outputs))
        if i + 2 < len(widths):
            layers.append(nn.PReLU(outputs) if name == "prelu:channels" else ACTIVATIONS[name]())
    return nn.Sequential(*layers)


def data_of(loss, widths, batches, batch):
    x = torch.randn(batches, batch, widths[0])
    if loss == "squared_error":
        return x, torch.randn(batches, batch, widths[-1])
    return x, torch.randint(0, max(widths[-1], 2), (batches, batch))


def loss_of(loss, y, target):
    if loss == "cross_entropy":
        return nn.functional.cross_entropy(y, target)
    if loss == "binary_cross_entropy":
        return nn.functional.binary_cross_entropy_with_logits(y[:, 0], target.float())
    return nn.functional.mse_loss(y, target)


def flat(tensors):
    return [tensor.detach().float().reshape(-1).numpy().copy() for tensor in tensors]


def write(name, lines, numbers):
    (HERE / f"{name}.txt").write_text("".join(line + "\n" for line in lines))
    numpy.save(HERE / f"{name}.npy", numpy.concatenate(numbers).astype("<f4"))


def gradients():
    lines, numbers = [], []
    for i in range(50):
        name = list(ACTIVATIONS)[i % len(ACTIVATIONS)]
        loss = LOSSES[i % 3]
        hidden = [int(n) for n in torch.randint(2, 14, (1 + i % 3,))]
        widths = [int(torch.randint(2, 12, ()))] + hidden + [{0: int(torch.randint(2, 7, ())), 1: 1, 2: 2}[i % 3]]
        batch = int(torch.randint(1, 9, ()))
        net = net_of(widths, name)
        x, target = data_of(loss, widths, 1, batch)
        value = loss_of(loss, net(x[0]), target[0])
        value.backward()
        lines.append(f"{loss} {','.join(map(str, widths))} {name} {batch}")
        numbers += flat(net.parameters()) + flat([x, target, value])
        numbers += flat(p.grad for p in net.parameters())
    write("gradients", lines, numbers)


def steps():
    settings = [
        ("sgd", 0.1, 0.0, 0.0, False), ("sgd", 0.05, 0.9, 0.0, False), ("sgd", 0.05, 0.9, 0.01, True),
        ("sgd", 0.1, 0.0, 0.1, False), ("adam", 0.01, 0.0, 0.0, False), ("adam", 0.003, 0.0, 0.02, False),
    ]
    lines, numbers = [], []
    for i, (optimizer, rate, momentum, decay, nesterov) in enumerate(settings * 2):
        name = ("relu", "prelu", "silu", "prelu:channels", "tanh", "leaky_relu")[(i * 5 + i // 6) % 6]
        loss, widths, batch = LOSSES[i % 3], [9, 17, 6, 1 if i % 3 == 1 else 4], 16
        net = net_of(widths, name)
        if optimizer == "adam":
            rule = torch.optim.Adam(net.parameters(), lr=rate, weight_decay=decay)
        else:
            rule = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum, weight_decay=decay, nesterov=nesterov)
        x, target = data_of(loss, widths, 10, batch)
        numbers += flat(net.parameters()) + flat([x, target])
        for step in range(10):
            rule.zero_grad()
            loss_of(loss, net(x[step]), target[step]).backward()
            rule.step()
        lines.append(f"{loss} {','.join(map(str, widths))} {name} {batch} {optimizer} {rate} {momentum} {decay} {int(nesterov)}")
        numbers += flat(net.parameters())
    write("steps", lines, numbers)


torch.manual_seed(0)
gradients()
steps()
