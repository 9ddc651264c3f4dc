"""A client that openapi-python-client made of /openapi.json, called. Arguments: URL, a file of a digit, its outputs' numbers."""
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path.cwd()))
from relud import Client
from relud.api.predict import invocations, predict, relu
from relud.api.service import readyz
from relud.api.v1 import v_1_classify, v_1_predict
from relud.api.v2 import v_2_activations, v_2_infer, v_2_stats
from relud.models import (Invocation, PredictRequest, ReluRequest, ReluRequestActivation, V1Examples, V1PredictModel, V1ClassifyModel, V1Request,
                          V2ActivationsModel, V2InferModel, V2InputTensor, V2InputTensorDatatype, V2InputTensorName, V2Request, V2StatsModel)

digit, wanted = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[2:4])
client = Client(sys.argv[1])


def same(row):
    return struct.pack("10f", *row) == struct.pack("10f", *wanted)


assert readyz.sync(client=client).status == "ready"
assert len(v_2_activations.sync(V2ActivationsModel.DIGITS, client=client).layers) > 0  # null before the first row
answer = predict.sync(client=client, body=PredictRequest(inputs=[digit], top_k=3))
assert same(answer.outputs[0]) and len(answer.predictions[0]) == 3, answer
assert answer.predictions[0][0].label == "7" and answer.predictions[0][0].probability > 0.9
answer = v_1_predict.sync(V1PredictModel.DIGITS, client=client, body=V1Request(instances=[digit]))
assert same(answer.predictions[0]), answer
answer = v_1_classify.sync(V1ClassifyModel.DIGITS, client=client, body=V1Examples(examples=[digit]))
assert answer.results[0][7][0] == "7", answer
tensor = V2InputTensor(name=V2InputTensorName.PIXELS, datatype=V2InputTensorDatatype.FP32, shape=[1, 784], data=digit)
answer = v_2_infer.sync(V2InferModel.DIGITS, client=client, body=V2Request(inputs=[tensor]))
assert same(answer.outputs[0].data), answer
assert v_2_stats.sync(V2StatsModel.DIGITS, client=client).model_stats[0].inference_count > 0
assert same(invocations.sync(client=client, body=Invocation(inputs=[digit])).predictions[0])
answer = relu.sync(client=client, body=ReluRequest(input_=[[-2, 3]], activation=ReluRequestActivation.LEAKY_RELU, negative_slope=0.5))
assert answer.output == [[-1, 3]], answer
failure = predict.sync_detailed(client=client, body=PredictRequest(inputs=[[1]]))
assert failure.status_code == 400 and failure.parsed.error == "inputs[0] has 1 numbers; model 'digits' wants 784", failure
