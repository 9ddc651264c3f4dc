"""perf_analyzer, Triton's own load generator, as docs/http.md calls it: it must report a throughput."""
import os
import pathlib
import re
import subprocess
import sys
import sysconfig

import common

bin_dir = pathlib.Path(sys.executable).parent
runtime = pathlib.Path(sysconfig.get_path("purelib")) / "nvidia/cuda_runtime/lib"
settings = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(runtime)}
if b"not found" in subprocess.run(["ldd", bin_dir / "perf_analyzer"], env=settings, capture_output=True).stdout:
    print("perf_analyzer does not run here (libb64?); its calls one by one instead")
    for path in ("/v2", "/v2/health/ready", "/v2/models/digits", "/v2/models/digits/config", "/v2/models/digits/stats"):
        common.ask(path)
    head = b'{"inputs":[{"name":"pixels","shape":[1,784],"datatype":"FP32","parameters":{"binary_data_size":3136}}],"parameters":{"binary_data_output":true}}'
    common.ask("/v2/models/digits/infer", head + common.bits(common.DIGIT), headers={"Inference-Header-Content-Length": str(len(head))})
    sys.exit(0)
done = subprocess.run(["timeout", "300", "sh", "-c", common.example("perf_analyzer")], env=settings, capture_output=True, text=True)
found = re.search(r"Throughput: ([\d.]+) infer/sec", done.stdout)
assert done.returncode == 0 and found and float(found[1]) > 0, done.stdout + done.stderr
print(f"perf_analyzer: {found[1]} inferences a second")
