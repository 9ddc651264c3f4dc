"""tritonclient.http, every method."""
import numpy
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

import common

wanted = common.native_bits()
client = http.InferenceServerClient(common.ADDRESS, concurrency=4)
admin = http.InferenceServerClient(common.ADMIN)
rows = numpy.array([common.DIGIT], dtype=numpy.float32)


def tensor(values, datatype="FP32", **more):
    one = http.InferInput("pixels", list(values.shape), datatype)
    one.set_data_from_numpy(values, **more)
    return [one]


def check(result, count=1):
    logits = result.as_numpy("logits")
    assert logits.shape == (count, 10) and all(row.tobytes() == wanted for row in logits), logits


assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits") and not client.is_model_ready("nope")
assert client.get_server_metadata()["name"] == "relud"
assert client.get_model_metadata("digits")["inputs"][0] == {"name": "pixels", "datatype": "FP32", "shape": [-1, 784]}
assert client.get_model_config("digits", "1")["input"][0]["dims"] == [784]
assert client.get_model_repository_index() == [{"name": "digits", "version": "1", "state": "READY", "reason": ""}]

check(client.infer("digits", tensor(rows)))  # as users call it: bytes both ways
check(client.infer("digits", tensor(rows, binary_data=False)))
check(client.infer("digits", tensor(rows.repeat(5, 0)), model_version="1", request_id="a", priority=1, timeout=20000), 5)
for coding in ("gzip", "deflate"):
    check(client.infer("digits", tensor(rows), request_compression_algorithm=coding, response_compression_algorithm=coding))
for is_binary in (True, False):
    outputs = [http.InferRequestedOutput("logits", binary_data=is_binary), http.InferRequestedOutput("probabilities", binary_data=not is_binary)]
    result = client.infer("digits", tensor(rows, binary_data=is_binary), outputs=outputs, request_id="7")
    check(result)
    assert result.get_response()["id"] == "7" and result.as_numpy("probabilities").argmax() == 7
    for count in (1, 3, 99):
        outputs = [http.InferRequestedOutput("logits", binary_data=is_binary, class_count=count)]
        best = client.infer("digits", tensor(rows.repeat(2, 0)), outputs=outputs).as_numpy("logits")
        first = best[1][0].decode() if isinstance(best[1][0], bytes) else best[1][0]
        assert best.shape == (2, min(count, 10)) and first.endswith(":7:7"), best
for datatype, kind in (("FP64", "f8"), ("FP16", "f2"), ("UINT8", "u1"), ("INT16", "i2"), ("INT32", "i4"), ("INT64", "i8"), ("UINT64", "u8")):
    check(client.infer("digits", tensor(rows.astype(kind), datatype)))
pending = [client.async_infer("digits", tensor(rows)) for _ in range(64)]
for one in pending:
    check(one.get_result())
for name, values, kind in (("nope", rows, "FP32"), ("digits", rows[:, :9], "FP32"), ("digits", numpy.full((1, 784), numpy.nan, "f4"), "FP32")):
    try:
        client.infer(name, tensor(values, kind))
        raise SystemExit("no error was raised")
    except InferenceServerException as error:
        assert error.status() in ("400", "404"), error

stats = client.get_inference_statistics("digits", "1")["model_stats"][0]
assert stats["inference_stats"]["success"]["count"] > 64 and stats["inference_stats"]["cache_hit"]["count"] == 0
assert stats["execution_count"] and stats["batch_stats"] and stats["inference_stats"]["fail"]["count"] == 2
assert client.get_log_settings()["log_verbose_level"] == 0 and client.get_trace_settings()["trace_level"] == ["OFF"]
assert admin.update_log_settings({"log_verbose_level": 1})["log_verbose_level"] == 1
admin.update_log_settings({"log_verbose_level": 0})
assert admin.update_trace_settings(settings={"trace_level": ["OFF"]})["trace_level"] == ["OFF"]
admin.load_model("digits")
admin.load_model("digits", config='{"version_policy": {"all": {}}}')
admin.unload_model("digits")
assert not client.is_model_ready("digits")
admin.load_model("digits")
check(client.infer("digits", tensor(rows)))
try:
    client.load_model("digits")
    raise SystemExit("anyone may load models")
except InferenceServerException as error:
    assert "administrators" in str(error), error
exec(common.example("tritonclient.http as http"))
