#!/usr/bin/env python3
"""Writes F18-norms/model.safetensors, the state dict of the net that F18-norms/model.json describes, and prints what PyTorch
answers in eval mode to two rows. Wants torch and safetensors."""
import os

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.BatchNorm1d(3),
    torch.nn.Linear(3, 4),
    torch.nn.BatchNorm1d(4, eps=0.001),
    torch.nn.ReLU(),
    torch.nn.BatchNorm1d(4),
    torch.nn.Dropout(0.5),
    torch.nn.LayerNorm(4, eps=0.01),
    torch.nn.Linear(4, 2, bias=False),
    torch.nn.BatchNorm1d(2, affine=False),
    torch.nn.Sigmoid(),
)
for name, tensor in net.state_dict().items():
    if tensor.is_floating_point():
        tensor.uniform_(0.25, 2) if name.endswith("var") else tensor.normal_()
net.eval()
save_file(net.state_dict(), f"{os.path.dirname(os.path.abspath(__file__))}/F18-norms/model.safetensors")
with torch.no_grad():
    for row in net(torch.tensor([[1.0, -2.0, 0.5], [-0.25, 3.0, 4.0]])):
        print(", ".join(f"{value:.9g}f" for value in row.tolist()))
