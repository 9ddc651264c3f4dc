"""scikit-learn's bundled tables, learned by `relud train` and by PyTorch with the same recipe on the same splits: torch_tables.py RELUD
SPLITS writes NAME.relud=…, NAME.torch=…, the mean accuracy in per cent of the quarter of the rows that neither has seen."""
import csv
import gzip
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy
import sklearn.datasets
import torch

TABLES = {"iris": ("iris.csv", [4, 16, 3]), "wine": ("wine_data.csv", [13, 16, 3]), "breast cancer": ("breast_cancer.csv", [30, 32, 2]),
          "digits 8x8": ("digits.csv.gz", [64, 64, 10])}
EPOCHS, BATCH, RATE, MOMENTUM = 40, 16, 0.02, 0.9
relud, splits = sys.argv[1], int(sys.argv[2])
FOLDER = pathlib.Path(sklearn.datasets.__file__).parent / "data"


def read(name):
    raw = (FOLDER / name).read_bytes()
    rows = list(csv.reader((gzip.decompress(raw) if name.endswith("gz") else raw).decode().splitlines()))
    rows = [row for row in rows if len(row) == len(rows[-1])]
    try:  # their first line says how many rows there are, not what the columns are
        return numpy.array(rows, float)
    except ValueError:
        return numpy.array(rows[1:], float)


def by_torch(train, test, widths, seed):
    torch.manual_seed(seed)
    mean, std = train[:, :-1].mean(0), train[:, :-1].std(0)
    std[std == 0] = 1
    tensor = lambda rows: torch.tensor((rows[:, :-1] - mean) / std, dtype=torch.float32)
    x, y = tensor(train), torch.tensor(train[:, -1]).long()
    net = torch.nn.Sequential(torch.nn.Linear(widths[0], widths[1]), torch.nn.ReLU(), torch.nn.Linear(widths[1], widths[2]))
    for layer, init in ((net[0], torch.nn.init.kaiming_uniform_), (net[2], torch.nn.init.xavier_uniform_)):
        init(layer.weight, **({"nonlinearity": "relu"} if init is torch.nn.init.kaiming_uniform_ else {}))
        torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimizer.step()
    return (net(tensor(test)).argmax(1).numpy() == test[:, -1]).mean()


def by_relud(train, test, widths, seed, folder):
    for name, rows in (("train", train), ("test", test)):
        with open(f"{folder}/{name}.csv", "w") as file:
            csv.writer(file).writerows(rows.tolist())
    words = [relud, "train", "--data", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--out", f"{folder}/model",
             "--overwrite", "--layers", ",".join(map(str, widths)), "--standardize", "--epochs", str(EPOCHS), "--batch", str(BATCH),
             "--lr", str(RATE), "--momentum", str(MOMENTUM), "--seed", str(seed)]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return float(out.split("accuracy ")[1].split(" ")[0]) / 100


torch.set_num_threads(1)
for name, (path, widths) in TABLES.items():
    rows, scores = read(path), {"relud": [], "torch": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(splits):
            order = numpy.random.default_rng(seed).permutation(len(rows))
            test, train = rows[order[: len(rows) // 4]], rows[order[len(rows) // 4 :]]
            scores["torch"].append(by_torch(train, test, widths, seed))
            scores["relud"].append(by_relud(train, test, widths, seed, folder))
    for who, values in scores.items():
        print(f"{name.replace(' ', '_')}.{who}={100 * statistics.mean(values):.2f}", flush=True)
