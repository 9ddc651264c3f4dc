"""TensorFlow Serving's REST API as its users call it: with requests."""
import json

import requests

import common

url = f"http://{common.ADDRESS}/v1/models/digits"
wanted = common.native_bits()
for body, key in (({"instances": [common.DIGIT]}, "predictions"), ({"instances": [{"pixels": common.DIGIT}] * 3}, "predictions"),
                  ({"signature_name": "serving_default", "inputs": [common.DIGIT]}, "outputs"),
                  ({"inputs": {"pixels": [common.DIGIT, common.DIGIT]}}, "outputs")):
    for form in ("", "/versions/1"):
        answer = requests.post(f"{url}{form}:predict", data=json.dumps(body))
        assert answer.status_code == 200, answer.text
        assert all(common.bits(row) == wanted for row in answer.json()[key])
result = requests.post(f"{url}:classify", json={"examples": [{"pixels": common.DIGIT}]}).json()["results"]
assert max(result[0], key=lambda one: one[1])[0] == "7" and len(result[0]) == 10
assert requests.get(url).json()["model_version_status"][0]["state"] == "AVAILABLE"
signature = requests.get(f"{url}/metadata").json()["metadata"]["signature_def"]["signature_def"]["serving_default"]
assert signature["inputs"]["pixels"]["tensor_shape"]["dim"][1]["size"] == "784"
for body, code in (({}, 400), ({"instances": []}, 400), ({"instances": [[1]]}, 400), ({"instances": [common.DIGIT], "signature_name": "x"}, 400)):
    answer = requests.post(f"{url}:predict", json=body)
    assert answer.status_code == code and answer.json()["error"], answer.text
assert requests.post(f"http://{common.ADDRESS}/v1/models/nope:predict", json={}).status_code == 404
exec(common.example("import requests"))
