#!/usr/bin/env python3
"""Writes U3-norms.safetensors, the state dict of a net with a BatchNorm1d, and prints what PyTorch answers in eval mode to two rows.
Wants torch and safetensors."""
import os

import torch
from safetensors.torch import save_file


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(2, 4)
        self.bn1 = torch.nn.BatchNorm1d(4)
        self.fc2 = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn1(self.fc1(x))))


torch.manual_seed(0)
net = Net()
for name, tensor in net.state_dict().items():
    if name.endswith("var"):
        tensor.uniform_(0.25, 2)
    elif tensor.is_floating_point() and tensor.dim() == 1:
        tensor.normal_()
net.eval()
save_file(net.state_dict(), f"{os.path.dirname(os.path.abspath(__file__))}/U3-norms.safetensors")
with torch.no_grad():
    for row in net(torch.tensor([[1.0, -2.0], [0.25, 3.0]])):
        print(", ".join(f"{value:.9g}f" for value in row.tolist()))
