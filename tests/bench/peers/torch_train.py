"""PyTorch on the digits: torch_train.py tight|loader IMAGES LABELS THREADS EPOCHS SEED writes seconds an epoch, a line each, and then
the peak of memory in MB. `tight`: tensors in memory, a permutation, slices of it. `loader`: the tutorial's DataLoader over a
TensorDataset. The net, the batches and the recipe are those of `relud train`'s defaults."""
import gzip
import os
import resource
import sys
import time

kind, images, labels, threads, epochs, seed = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import numpy
import torch

torch.set_num_threads(int(threads))
torch.manual_seed(int(seed))
read = lambda path, head: torch.from_numpy(numpy.frombuffer(gzip.open(path).read(), numpy.uint8, offset=head).copy())
x, y = read(images, 16).view(-1, 784).float() / 255, read(labels, 8).long()
net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
loss_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)


def step(inputs, targets):
    optimizer.zero_grad(set_to_none=True)
    loss_of(net(inputs), targets).backward()
    optimizer.step()


def tight():
    order = torch.randperm(len(x))
    for begin in range(0, len(x), 64):
        chosen = order[begin : begin + 64]
        step(x[chosen], y[chosen])


loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)


def tutorial():
    for inputs, targets in loader:
        step(inputs, targets)


for _ in range(int(epochs)):
    begin = time.perf_counter()
    tight() if kind == "tight" else tutorial()
    print(f"{time.perf_counter() - begin:.4f}", flush=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
