"""The relud that is measured: started on a free port, looked at through /proc and /metrics, stopped; and `relud bench` as the load."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

import wire
from card import IS_LONG, NotRun, ROOT

RELUD = os.environ.get("RELUD", str(ROOT / "build/relud"))
DIGITS = str(ROOT / "deploy/models/digits")
DIGIT_FILE = ROOT / "tests/data/digit-7.json"
DIGIT_BODY = DIGIT_FILE.read_bytes()


class Server:
    """A running `relud serve`. `port` and `admin_port` listen on 127.0.0.1; log lines after the start go to `log_path`, or to `stderr`, a file
    that is not read here: then the `port` must be given."""

    def __init__(self, *options, models=(DIGITS,), command=None, env=None, nofile=None, admin=False, patience=60, port=0, stderr=None,
                 pass_fds=()):
        self.log_path = pathlib.Path(tempfile.mkstemp(prefix="relud-log-")[1])
        words = [*(command or [RELUD]), "serve", *map(str, models), "--listen", f"127.0.0.1:{port}", *map(str, options)]
        if admin:
            words += ["--admin-listen", "127.0.0.1:0"]
        if nofile:
            words = ["sh", "-c", f'ulimit -n {nofile} && exec "$@"', "sh", *words]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(words, stderr=log if stderr is None else stderr, pass_fds=pass_fds,
                                            env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        self.port = self.admin_port = None
        until = time.monotonic() + patience
        while not self.port:
            log = self.log()
            if stderr is not None and is_open(port):
                log = f"listening on http://127.0.0.1:{port}"
            found = re.search(r"listening on (https?)://\S+?:(\d+)\b", log)
            if found:
                self.scheme, self.port = found[1], int(found[2])
                found = re.search(r"administrators at https?://\S+?:(\d+)", log)
                self.admin_port = int(found[1]) if found else None
            elif self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                raise RuntimeError("relud does not start: " + log[-500:])
            else:
                time.sleep(0.005)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def url(self, path="/predict"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def ask(self, path, body=None, headers=(), method=None, port=None):
        """One request on a connection of its own: wire.Answer."""
        return wire.ask(port or self.port, path, body, headers, method)

    def load(self, name):
        """Has the administrator's address load a model anew: wire.Answer."""
        return self.ask(f"/v2/repository/models/{name}/load", b"{}", port=self.admin_port)

    def routes(self):
        """[(method, path)] of /openapi.json, {model} and the like as they stand there."""
        paths = json.loads(self.ask("/openapi.json").body)["paths"]
        return [(method.upper(), path) for path, methods in paths.items() for method in methods]

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        text = self.ask("/metrics").body.decode()
        return {name: float(value) for name, value in re.findall(r"^([a-z_]\S*(?:\{.*\})?) (\S+)$", text, re.M)}

    def rss(self):
        """Resident bytes, without what lies in files."""
        return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024

    def reset_peak(self):
        """Resident bytes, all of them; from now on the greatest number is kept for peak()."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.peak()

    def peak(self):
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, patience=60):
        """SIGTERM and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(patience)

    def wait(self, patience=60):
        """The exit status of one that has been told to end: a second SIGTERM would cut it short."""
        try:
            return self.process.wait(patience)
        finally:
            self.process.kill()
            self.process.wait()
            self.log_path.unlink(missing_ok=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_open(port):
    """Does anybody listen there?"""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def server(*options, **more):
    """A server that must still live and end with 0 when the block is left."""
    subject = Server(*options, **more)
    try:
        yield subject
    except BaseException:
        subject.process.kill()
        subject.stop()
        raise
    log = subject.log()
    status = subject.stop()
    if status != 0:
        raise RuntimeError(f"relud ended with {status}: {log[-500:]}")


def small_model(folder, name="small", weights=(0.5, -0.25), **fields):
    """A net of one layer, len(weights) features to one output, in `folder`/name."""
    model = pathlib.Path(folder) / name
    model.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"w": {"dtype": "F32", "shape": [1, len(weights)], "data_offsets": [0, 4 * len(weights)]}}).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(weights)}f", *weights))
    (model / "model.json").write_text(json.dumps({"format": "relud-model/1", "name": name, "input": {"name": "x", "features": len(weights)},
                                                  "layers": [{"weight": "w"}], **fields}))
    return model


def wide_model(folder, name="wide", widths=(784, 2048, 2048, 10)):
    """A net that takes its time: weights of a fixed pattern, ReLU between the layers."""
    import array
    import random
    model = pathlib.Path(folder) / name
    model.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    pattern = array.array("f", (draw.uniform(-0.05, 0.05) for _ in range(65537)))  # a prime's length: no row equals another
    header, data, layers = {}, bytearray(), []
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        count = inputs * outputs
        begin = len(data)
        data += (pattern * (count // len(pattern) + 1))[:count].tobytes()
        header[f"w{i}"] = {"dtype": "F32", "shape": [outputs, inputs], "data_offsets": [begin, len(data)]}
        layers.append({"weight": f"w{i}", "activation": "relu"} if i < len(widths) - 2 else {"weight": f"w{i}"})
    head = json.dumps(header).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
    (model / "model.json").write_text(json.dumps({"format": "relud-model/1", "name": name, "input": {"name": "x", "features": widths[0]}, "layers": layers}))
    return model


def bench(subject, *options, path="/predict", body=DIGIT_FILE, seconds=5, warmup=0.5, connections=32, rate=None, same=True, start=False):
    """`relud bench`'s report as a dictionary. With `same`, every answer must have the bytes of the first one to the same request
    (`different` counts those that have not). With `start`, the running process instead: give it to bench_report."""
    words = [RELUD, "bench", subject if isinstance(subject, str) else subject.url(path), "--format", "json", "--seconds", str(seconds),
             "--warmup", str(warmup), "--connections", str(connections), *map(str, options)]
    for one in [body] if isinstance(body, (str, pathlib.Path)) else body or []:
        words += ["--body", str(one)]
    words += ["--rate", str(rate)] if rate else []
    words += ["--same"] if same else []
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process if start else bench_report(process)


def bench_report(process):
    out, err = process.communicate()
    if not out:
        raise RuntimeError("relud bench: " + err.strip()[-300:])
    return json.loads(out)


def failures(report, allowed=()):
    """Requests of a bench report that were not answered as they should be: other codes, other bits, broken connections."""
    bad = sum(n for code, n in report["codes"].items() if not code.startswith("2") and int(code) not in allowed)
    return bad + report["broken_connections"] + report["unanswered"] + report.get("different", 0)


def p99(report):
    value = report["latency_ms"]["p99"]
    return float("inf") if value is None else value  # no answer with 2xx


def fuzz_total(names):
    """What build/fuzz/record says of these fuzz targets: (CPU hours, executions, findings, names that have never run)."""
    record = ROOT / "build/fuzz/record"
    runs = [line.split() for line in record.read_text().splitlines()] if record.exists() else []
    runs = [run for run in runs if len(run) == 5 and run[0] in names]
    hours = sum(int(seconds) for _, seconds, *_ in runs) / 3600
    return hours, sum(int(run[2]) for run in runs), sum(run[3] != "0" for run in runs), sorted(set(names) - {run[0] for run in runs})


def fuzz_row(names, hours):
    """Of a row about fuzzing: (held, measured). In the long form what has never run is run for a moment first."""
    missing = fuzz_total(names)[3]
    if missing and not IS_LONG:
        raise NotRun(f"make fuzz has not been run here ({', '.join(missing)})")
    if missing:
        subprocess.run(["tests/fuzz/run"], cwd=ROOT, env={**os.environ, "FUZZ_SECONDS": "5", "FUZZ_ONLY": ",".join(missing)}, stdout=subprocess.DEVNULL)
    spent, executions, findings, missing = fuzz_total(names)
    measured = f"{spent:.2f} CPU hours, {executions:,} executions, {findings} findings since build/fuzz/record began"
    return spent >= hours and not findings and not missing, measured + (f"; {', '.join(missing)} did not run" if missing else "")


def run_test(name, *, env=None, patience=3000):
    """One of the test programs of `make test`: (passed, failed). It is built where it is missing."""
    path = ROOT / "build/tests" / name
    subprocess.run(["make", "-s", f"build/tests/{name}", "build/tests/fault.so"], cwd=ROOT, check=True, capture_output=True)
    more = {"RELUD": RELUD, "RELUD_FAULTS": str(ROOT / "build/tests/fault.so"), **(env or {})}
    done = subprocess.run([path], cwd=ROOT, capture_output=True, text=True, env={**os.environ, **more}, timeout=patience)
    found = re.findall(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", done.stdout + done.stderr)
    if not found:
        return 0, 1
    checks, bad, broken = map(int, found[-1])
    bad += broken
    return checks - bad, bad or (1 if done.returncode else 0)


def newest_source(*folders):
    """When a file of these folders was last changed."""
    files = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return max((ROOT / name).stat().st_mtime for name in files.split("\0") if name and (ROOT / name).exists())


def sanitized(kind="address-undefined", is_needed=True):
    """The command that runs the relud with these sanitizers, where make sanitize or make tsan has built one of the sources as they are; None elsewhere where it
    is not needed. A sanitizer's reports want a program that is not confined."""
    path = ROOT / f"build/san-{kind}/relud"
    if path.exists() and path.stat().st_mtime > newest_source("core", "server", "include"):
        return ["env", "RELUD_SANDBOX=off", str(path)]
    if is_needed:
        raise NotRun(f"there is no program with the sanitizers {kind} of this tree")
    return None


@contextlib.contextmanager
def watching(look, pause=0.05):
    """Calls look() on a thread of its own every `pause` seconds while the block runs; gives the list of (seconds since the start, what was seen)."""
    import threading
    seen, is_over, begin = [], threading.Event(), time.monotonic()

    def watch():
        while True:
            seen.append((time.monotonic() - begin, look()))
            if is_over.wait(pause):
                return
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def predicted(model, body_file):
    """The outputs of the first row in a file, from `relud predict`: another way through the program than the server's."""
    done = subprocess.run([RELUD, "predict", str(model), str(body_file)], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout.splitlines()[0])["output"]


def check_reference(subject, model=DIGITS, body_file=DIGIT_FILE):
    """The server's answer to the file must be what `relud predict` says of it. Then `bench(same=True)` carries that over to every answer."""
    answer = subject.ask("/predict", pathlib.Path(body_file).read_bytes())
    if answer.code != 200 or json.loads(answer.body)["outputs"][0] != predicted(model, body_file):
        raise RuntimeError(f"another answer than relud predict's: {answer}")


def open_requests(subject):
    """Requests begun and not yet answered, without the one that asks."""
    return int(subject.metrics()["relud_inflight_requests"]) - 1


def settled_metrics(subject, patience=10):
    """The metrics once no request is open any more."""
    if not wire.wait_for(lambda: open_requests(subject) == 0, patience):
        raise RuntimeError("requests stay open")
    return subject.metrics()
