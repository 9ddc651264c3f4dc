"""KServe's Python server around ONNX Runtime, asked in the Open Inference Protocol. usage: kserve_ort.py --http_port=PORT"""
import kserve
import ort
from kserve import InferOutput, InferResponse


class Model(kserve.Model):
    def __init__(self, name):
        super().__init__(name)
        self.net = ort.Session()
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None):
        outputs = self.net.outputs(payload.inputs[0].as_numpy())
        answer = InferOutput(name="outputs", shape=list(outputs.shape), datatype="FP32")
        answer.set_data_from_numpy(outputs, binary_data=False)
        return InferResponse(response_id="", model_name=self.name, infer_outputs=[answer])


if __name__ == "__main__":
    kserve.ModelServer(workers=1, enable_grpc=False).start([Model(ort.net.served().name)])
