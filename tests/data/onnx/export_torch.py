#!/usr/bin/env python3
"""Writes the PyTorch files of this folder: each NAME.onnx as torch.onnx.export writes it, and in NAME.npy what PyTorch answers
to x.npy. Made with Debian 12's python3-torch 1.13 and python3-onnx. `export_torch.py DIR ROWS OPSET` writes elsewhere, more."""
import os
import sys
import warnings

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(0)
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
OPSET = int(sys.argv[3]) if len(sys.argv) > 3 else 17
FEATURES, HIDDEN, OUTPUTS = 12, 9, 4


class Net(nn.Module):
    """forward(modules, x) as a module."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(modules)

    def forward(self, x):
        return self.function(self.layers, x)


def mlp(activation):
    return nn.Sequential(nn.Linear(FEATURES, HIDDEN), activation, nn.Linear(HIDDEN, OUTPUTS))


def two_layers(function):
    return Net(function, nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, OUTPUTS))


def trained_norm(width):
    norm = nn.BatchNorm1d(width)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    norm.weight.data.normal_()
    norm.bias.data.normal_()
    return norm


def forms():
    names = ("ReLU LeakyReLU RReLU PReLU ELU CELU SELU SiLU GELU Mish Hardswish Hardsigmoid ReLU6 Hardtanh Sigmoid Tanh "
             "Softplus LogSigmoid Softsign Tanhshrink Softshrink Hardshrink")
    for name in names.split():
        yield name.lower(), mlp(getattr(nn, name)())
    yield "gelu_tanh", mlp(nn.GELU(approximate="tanh"))
    yield "prelu_units", mlp(nn.PReLU(HIDDEN))
    yield "softplus_beta", mlp(nn.Softplus(beta=2))
    yield "clamp_min", two_layers(lambda m, x: m[1](m[0](x).clamp(min=-0.3)))
    yield "clamp_max", two_layers(lambda m, x: m[1](m[0](x).clamp(max=0.3)))
    yield "no_bias", nn.Sequential(nn.Linear(FEATURES, HIDDEN, bias=False), nn.ReLU(), nn.Linear(HIDDEN, OUTPUTS, bias=False))
    yield "softmax", nn.Sequential(nn.Linear(FEATURES, OUTPUTS), nn.Softmax(-1))
    yield "logsoftmax", nn.Sequential(nn.Linear(FEATURES, OUTPUTS), nn.LogSoftmax(1))
    yield "dropout", nn.Sequential(mlp(nn.Dropout()), nn.Identity(), nn.ReLU())
    yield "batch_norm", nn.Sequential(nn.Linear(FEATURES, HIDDEN), trained_norm(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUTPUTS))
    yield "batch_norm_fresh", mlp(nn.Sequential(nn.BatchNorm1d(HIDDEN), nn.ReLU()))
    yield "batch_norm_apart", nn.Sequential(nn.BatchNorm1d(FEATURES, affine=False), nn.ReLU(), trained_norm(FEATURES),
                                            nn.Linear(FEATURES, OUTPUTS))
    yield "layer_norm", mlp(nn.Sequential(nn.LayerNorm(HIDDEN), nn.ReLU()))
    yield "flatten", Net(lambda m, x: m[0](x.reshape(-1, 3, 4).flatten(1)), nn.Linear(FEATURES, OUTPUTS))
    yield "view", Net(lambda m, x: m[0](x.view(-1, FEATURES)), nn.Linear(FEATURES, OUTPUTS))
    yield "view_size", Net(lambda m, x: m[0](x.view(x.size(0), -1)), nn.Linear(FEATURES, OUTPUTS))
    yield "residual", Net(lambda m, x: m[2](x + m[1](torch.relu(m[0](x)))), nn.Linear(FEATURES, FEATURES),
                          nn.Linear(FEATURES, FEATURES), nn.Linear(FEATURES, OUTPUTS))
    yield "concat", Net(lambda m, x: m[1](torch.cat([x, m[0](x)], 1)), nn.Linear(FEATURES, HIDDEN),
                        nn.Linear(FEATURES + HIDDEN, OUTPUTS))
    yield "glu", nn.Sequential(nn.Linear(FEATURES, 10), nn.GLU(-1), nn.Linear(5, OUTPUTS))
    yield "heads", Net(lambda m, x: (m[0](x), torch.sigmoid(m[1](x))), nn.Linear(FEATURES, OUTPUTS), nn.Linear(FEATURES, 1))
    yield "scaled", Net(lambda m, x: m[0]((x - torch.arange(12.0)) / torch.arange(1, 13.0)), nn.Linear(FEATURES, OUTPUTS))
    yield "argmax", Net(lambda m, x: m[0](x).argmax(1), nn.Linear(FEATURES, OUTPUTS))
    yield "three_d", Net(lambda m, x: m[1](torch.relu(m[0](x.view(-1, 3, 4)))).flatten(1), nn.Linear(4, 5), nn.Linear(5, 2))
    yield "double", mlp(nn.Tanh()).double()
    yield "turned", nn.Sequential(nn.Linear(FEATURES, HIDDEN, bias=False), nn.Tanh(), nn.Linear(HIDDEN, OUTPUTS, bias=False))


def answers(net, x):
    with torch.no_grad():
        y = net(x)
    return torch.cat(y, 1) if isinstance(y, tuple) else y.reshape(len(x), -1)


def newer(x):
    """Operations that PyTorch 1.13 does not write yet: Mish (18), Gelu (20), RMSNormalization (23), Swish (24)."""
    weight, bias = torch.randn(HIDDEN, FEATURES) / 4, torch.randn(HIDDEN)
    scale = torch.rand(HIDDEN) + 0.5
    node = onnx.helper.make_node
    nodes = [node("Gemm", ["x", "weight", "bias"], ["a"], transB=1), node("Mish", ["a"], ["b"]),
             node("Gelu", ["b"], ["c"], approximate="tanh"), node("Swish", ["c"], ["d"], alpha=1.5), node("Gelu", ["d"], ["e"]),
             node("RMSNormalization", ["e", "scale"], ["y"], epsilon=1e-3)]
    tensors = [numpy_helper.from_array(t.numpy(), n) for n, t in (("weight", weight), ("bias", bias), ("scale", scale))]
    ports = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["batch", w]) for n, w in (("x", FEATURES), ("y", HIDDEN))]
    graph = onnx.helper.make_graph(nodes, "newer", ports[:1], ports[1:], tensors)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 24)], ir_version=10), f"{OUT}/newer.onnx")
    y = nn.functional.gelu(nn.functional.mish(x @ weight.T + bias), approximate="tanh")
    y = nn.functional.gelu(y * torch.sigmoid(1.5 * y))
    return y / torch.sqrt((y * y).mean(1, keepdim=True) + 1e-3) * scale


def main():
    os.makedirs(OUT, exist_ok=True)
    x = torch.randn(ROWS, FEATURES) * 2
    numpy.save(f"{OUT}/x.npy", x.numpy())
    for index, (name, net) in enumerate(forms()):
        net.eval()
        batch = {"x": {0: "batch"}} if index % 2 else None  # None: the file says batch 1
        one = x[:1].double() if name == "double" else x[:1]
        try:
            torch.onnx.export(net, one, f"{OUT}/{name}.onnx", opset_version=OPSET, input_names=["x"], dynamic_axes=batch,
                              do_constant_folding=name != "turned")
        except torch.onnx.errors.UnsupportedOperatorError as error:
            print(f"{name}: not exported: {error}")
            continue
        numpy.save(f"{OUT}/{name}.npy", answers(net, x.double() if name == "double" else x).float().numpy())
    numpy.save(f"{OUT}/newer.npy", newer(x).numpy())
    # As PyTorch writes from 2.9 on: the weights in a file beside the model.
    if os.path.exists(f"{OUT}/external.onnx.data"):
        os.remove(f"{OUT}/external.onnx.data")  # onnx would append
    external = onnx.load(f"{OUT}/gelu.onnx")
    onnx.save_model(external, f"{OUT}/external.onnx", save_as_external_data=True, all_tensors_to_one_file=True,
                    location="external.onnx.data", size_threshold=0)
    numpy.save(f"{OUT}/external.npy", numpy.load(f"{OUT}/gelu.npy"))


main()
