"""ONNX Runtime's own forward pass: ort_forward.py FILE [THREADS [ROWS...]] writes microseconds a call, by default with one thread at 1 and 32
rows. Inputs and outputs are bound once, so that a call is the pass and little else."""
import sys
import time

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1, 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name, features = session.get_inputs()[0].name, session.get_inputs()[0].shape[1]
random = np.random.default_rng(1)
for rows in map(int, sys.argv[3:] or (1, 32)):
    x = random.normal(size=(rows, features)).astype(np.float32)
    x *= random.random(x.shape) < 0.2
    binding = session.io_binding()
    binding.bind_cpu_input(name, x)
    binding.bind_output(session.get_outputs()[0].name)
    times = []
    each = 2000 // rows + 20 if rows < 200 else 1
    for _ in range(15):
        begin = time.perf_counter()
        for _ in range(each):
            session.run_with_iobinding(binding)
        times.append((time.perf_counter() - begin) / each)
    print(f"ort_{rows}_us={sorted(times)[7] * 1e6:.3f}")
