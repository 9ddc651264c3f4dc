"""The digits model served as tutorials do it: FastAPI, pydantic, PyTorch. Run: uvicorn fastapi_app:app"""
import json
import pathlib
import struct

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from torch import nn

MODEL = pathlib.Path(__file__).parent.parent.parent / "deploy/models/digits/1/model.safetensors"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 10)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def read_weights():
    raw = MODEL.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    weights = {}
    for name, entry in json.loads(raw[8 : 8 + size]).items():
        begin, end = entry["data_offsets"]
        data = bytearray(raw[8 + size + begin : 8 + size + end])
        weights[name] = torch.frombuffer(data, dtype=torch.float32).reshape(entry["shape"])
    return weights


class Request(BaseModel):
    inputs: list[list[float]]


app = FastAPI()
net = Net()
net.load_state_dict(read_weights())
net.eval()


@app.post("/predict")
def predict(request: Request):
    with torch.no_grad():
        logits = net(torch.tensor(request.inputs) * 0.00392156862745098)
        probabilities = torch.softmax(logits, dim=1)
    best = probabilities.argmax(dim=1)
    return {
        "outputs": logits.tolist(),
        "predictions": [[{"label": str(c), "index": c, "probability": p[c].item()}] for c, p in zip(best.tolist(), probabilities)],
    }
