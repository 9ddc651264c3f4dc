"""The served net in PyTorch."""
import net
import torch
from torch import nn


class Mlp(nn.Module):
    def __init__(self, source):
        super().__init__()
        self.scale = source.scale
        layers = []
        for weight, (outputs, inputs), bias, is_relu in source.layers:
            layer = nn.Linear(inputs, outputs)
            layer.weight.data = torch.frombuffer(bytearray(weight), dtype=torch.float32).reshape(outputs, inputs)
            layer.bias.data = torch.frombuffer(bytearray(bias), dtype=torch.float32)
            layers.append(layer)
            if is_relu:
                layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x * self.scale)


def load():
    """The module, ready to answer, and what it was made of."""
    source = net.served()
    return Mlp(source).eval(), source
