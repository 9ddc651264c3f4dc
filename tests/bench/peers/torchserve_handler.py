"""TorchServe's handler around the tutorial's PyTorch net; each request is one body {"inputs": rows}."""
import torch
import torch_mlp


class Handler:
    def initialize(self, context):
        torch.set_num_threads(1)
        self.model, self.source = torch_mlp.load()

    def handle(self, data, context):
        bodies = [item.get("body") or item.get("data") for item in data]
        rows = [row for body in bodies for row in body["inputs"]]
        with torch.no_grad():
            outputs = self.model(torch.tensor(rows)).tolist()
        answers = []
        for body in bodies:
            count = len(body["inputs"])
            answers.append({"outputs": outputs[:count]})
            outputs = outputs[count:]
        return answers
