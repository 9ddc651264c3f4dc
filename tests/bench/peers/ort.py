"""The served net in ONNX Runtime, one thread, for every peer that uses it. Needs onnx and onnxruntime."""
import net
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def make_onnx(source):
    """The net as an ONNX model in memory."""
    nodes, initializers = [], []

    def constant(name, shape, raw):
        initializers.append(helper.make_tensor(name, TensorProto.FLOAT, shape, raw, raw=True))
        return name

    x = "x"
    if source.scale != 1:
        nodes.append(helper.make_node("Mul", [x, constant("scale", [], np.float32(source.scale).tobytes())], ["scaled"]))
        x = "scaled"
    for i, (weight, shape, bias, is_relu) in enumerate(source.layers):
        w, b = constant(f"w{i}", shape, weight), constant(f"b{i}", [shape[0]], bias)
        nodes.append(helper.make_node("Gemm", [x, w, b], [f"y{i}"], transB=1))
        x = f"y{i}"
        if is_relu:
            nodes.append(helper.make_node("Relu", [x], [f"r{i}"]))
            x = f"r{i}"
    graph = helper.make_graph(
        nodes,
        source.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", source.features])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["n", source.layers[-1][1][0]])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


class Session:
    def __init__(self):
        self.source = net.served()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            make_onnx(self.source).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def outputs(self, rows):
        """[n][features] in anything that NumPy takes -> float32 [n][outputs]"""
        return self.session.run(None, {"x": np.asarray(rows, dtype=np.float32)})[0]

    def answer(self, rows):
        """What relud answers, too."""
        outputs = self.outputs(rows)
        if not self.source.is_classifier:
            return {"outputs": outputs}
        exp = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        probabilities = exp / exp.sum(axis=1, keepdims=True)
        best = probabilities.argmax(axis=1)
        return {
            "outputs": outputs,
            "predictions": [[{"label": str(c), "index": int(c), "probability": float(p[c])}] for c, p in zip(best, probabilities)],
        }


if __name__ == "__main__":  # writes the model: BENCH_MODEL=DIR ort.py FILE
    import sys

    onnx.save(make_onnx(net.served()), sys.argv[1])
