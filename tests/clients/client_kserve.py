"""KServe's InferenceRESTClient, both protocols."""
import asyncio

import kserve
import numpy
from kserve import InferInput, InferRequest, InferenceRESTClient, RESTConfig

import common

wanted = common.native_bits()
url = f"http://{common.ADDRESS}"


async def v1():
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await client.is_server_live(url) and await client.is_model_ready(url, "digits")
    answer = await client.infer(url, {"instances": [common.DIGIT]}, model_name="digits")
    assert common.bits(answer["predictions"][0]) == wanted


async def v2():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url) and await client.is_server_ready(url) and await client.is_model_ready(url, "digits")
    for is_binary in (True, False):
        tensor = InferInput("pixels", [1, 784], "FP32")
        tensor.set_data_from_numpy(numpy.array([common.DIGIT], dtype=numpy.float32), binary_data=is_binary)
        answer = await client.infer(url, InferRequest("digits", [tensor]), model_name="digits")
        assert answer.outputs[0].as_numpy().astype("<f4").tobytes() == wanted


asyncio.run(v1())
asyncio.run(v2())
print(f"kserve {kserve.__version__}" if hasattr(kserve, "__version__") else "kserve")
