"""NVIDIA's Triton through PyTriton, ONNX Runtime inside, asked in the Open Inference Protocol. usage: pytriton_ort.py PORT"""
import sys

import numpy as np
import ort
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def make():
    session = ort.Session()

    @batch
    def infer(x):
        return {"outputs": session.outputs(x)}

    return infer


if __name__ == "__main__":
    port = int(sys.argv[1])
    source = ort.net.served()
    config = TritonConfig(http_address="127.0.0.1", http_port=port, grpc_port=port + 1, metrics_port=port + 2)
    with Triton(config=config) as triton:
        triton.bind(
            model_name=source.name,
            infer_func=[make(), make()],
            inputs=[Tensor(name="x", dtype=np.float32, shape=(source.features,))],
            outputs=[Tensor(name="outputs", dtype=np.float32, shape=(source.layers[-1][1][0],))],
            config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )
        triton.serve()
