"""FastAPI + PyTorch, as tutorials write it."""
import torch
import torch_mlp
from fastapi import FastAPI
from pydantic import BaseModel


class Request(BaseModel):
    inputs: list[list[float]]


app = FastAPI()
model, source = torch_mlp.load()


@app.post("/predict")
def predict(request: Request):
    with torch.no_grad():
        outputs = model(torch.tensor(request.inputs))
        if not source.is_classifier:
            return {"outputs": outputs.tolist()}
        probabilities = torch.softmax(outputs, dim=1)
    best = probabilities.argmax(dim=1)
    return {
        "outputs": outputs.tolist(),
        "predictions": [[{"label": str(c), "index": c, "probability": p[c].item()}] for c, p in zip(best.tolist(), probabilities)],
    }
