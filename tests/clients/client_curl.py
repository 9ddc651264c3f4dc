"""curl: the codings, the raw body, errors as JSON."""
import gzip
import json
import subprocess
import tempfile

import common


def curl(path, *more):
    done = subprocess.run(["curl", "-s", "-i", f"http://{common.ADDRESS}{path}", *more], capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head.decode(), body


with tempfile.NamedTemporaryFile() as raw, tempfile.NamedTemporaryFile() as packed:
    raw.write(common.bits(common.DIGIT))
    raw.flush()
    packed.write(gzip.compress(json.dumps({"instances": [common.DIGIT]}).encode()))
    packed.flush()
    head, body = curl("/v2/models/digits/infer", "--data-binary", f"@{raw.name}", "-H", "Inference-Header-Content-Length: 0")
    length = int(head.split("Inference-Header-Content-Length: ")[1].split("\r\n")[0])
    assert body[length:length + 40] == common.native_bits(), head
    head, body = curl("/v1/models/digits:predict", "--data-binary", f"@{packed.name}", "-H", "Content-Encoding: gzip")
    assert common.bits(json.loads(body)["predictions"][0]) == common.native_bits()
    head, body = curl("/v2/models/digits", "--compressed")
    assert "Content-Encoding: gzip" in head and json.loads(body)["name"] == "digits", head
for path in ("/v2/models/nope", "/v1/models/nope:predict", "/nowhere"):
    head, body = curl(path)
    assert "Content-Type: application/json\r\n" in head and json.loads(body)["error"], head
