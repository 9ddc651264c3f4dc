"""MLServer's runtime around ONNX Runtime, asked in the Open Inference Protocol."""
import ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Runtime(MLModel):
    async def load(self):
        self.net = ort.Session()
        return True

    async def predict(self, payload):
        outputs = self.net.outputs(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("outputs", outputs)])
