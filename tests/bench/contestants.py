"""Who is measured: how each is installed, started and asked. What cannot be installed or does not answer is left out by name."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "tests/bench/peers"
WORK = ROOT / "build/bench"
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # Debian's, which has python3-torch


class Missing(Exception):
    pass


def run(command, log, **more):
    """A command of the installation; its words go to the log."""
    with open(log, "ab") as file:
        if subprocess.run(command, stdout=file, stderr=file, **more).returncode != 0:
            raise Missing(f"{pathlib.Path(command[0]).name} failed, see {log.relative_to(ROOT)}")


def venv(name, sees_system=False):
    """A virtual environment with requirements/NAME.txt; its bin folder."""
    folder, wanted = WORK / f"venv-{name}", PEERS / f"requirements/{name}.txt"
    log = WORK / f"{name}.install.log"
    done = folder / "requirements.txt"
    if not done.exists() or done.read_text() != wanted.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        run([PYTHON, "-m", "venv", *(["--system-site-packages"] if sees_system else []), str(folder)], log)
        run([str(folder / "bin/pip"), "install", "-q", "-r", str(wanted)], log)
        shutil.copy(wanted, done)
    return folder / "bin"


def needs_torch():
    if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode != 0:
        raise Missing("PyTorch is not there (apt install python3-torch)")


def version(bin_folder, package):
    code = f"import importlib.metadata as m; print(m.version('{package}'))"
    return subprocess.run([str(bin_folder / "python"), "-c", code], capture_output=True, text=True).stdout.strip()


def features_of(model):
    """The numbers of a row of a model directory."""
    path = pathlib.Path(model)
    return json.loads((path / "model.json" if (path / "model.json").exists() else path / "1/model.json").read_text())["input"]["features"]


def native_body(rows):
    return json.dumps({"inputs": rows}).encode()


def v2_body(rows):
    flat = [value for row in rows for value in row]
    tensor = {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": flat}
    return json.dumps({"inputs": [tensor]}).encode()


class Contestant:
    """name: for tables; kind: relud, ceiling or peer. setup() installs and may raise Missing; command(port, model) starts it
    on a model directory; path(net) is where it is asked; body(rows) what with."""

    path = staticmethod(lambda net: "/predict")
    body = staticmethod(native_body)
    kind = "peer"
    may_sleep = True  # while others are measured
    environment = {}
    folders = ()  # what is installed for it, for its size
    version = ""

    def setup(self):
        pass

    def python_environment(self, model):
        return {"BENCH_MODEL": str(model), "PYTHONPATH": str(PEERS), "OMP_NUM_THREADS": "1"}


class Relud(Contestant):
    name, title, kind = "relud", "relud", "relud"
    more = []

    def setup(self):
        self.version = subprocess.run([ROOT / "build/relud", "--version"], capture_output=True, text=True).stdout.split()[1]

    def command(self, port, model):
        return [str(ROOT / "build/relud"), "serve", str(model), "--listen", f"127.0.0.1:{port}", *self.more]


class Ceiling(Relud):
    name, title, kind = "ceiling", "the same stack answering a constant", "ceiling"

    def command(self, port, model):
        return [str(ROOT / "build/tests/bench/constant_server"), f"127.0.0.1:{port}"]


class FastapiTorch(Contestant):
    name, title = "fastapi_torch", "FastAPI + PyTorch (tutorial)"

    def setup(self):
        needs_torch()
        self.bin = venv(self.name, sees_system=True)
        self.folders = [self.bin.parent]
        torch = subprocess.run([PYTHON, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
        self.version = f"{version(self.bin, 'fastapi')}, torch {torch.stdout.strip()}"

    def command(self, port, model):
        self.environment = self.python_environment(model)
        return [str(self.bin / "uvicorn"), "--app-dir", str(PEERS), "fastapi_torch:app", "--port", str(port), "--workers", "2",
                "--log-level", "error", "--no-access-log"]


class FastapiOrt(Contestant):
    name, title = "fastapi_ort", "FastAPI + ONNX Runtime (lean)"

    def setup(self):
        self.bin = venv(self.name)
        self.folders = [self.bin.parent]
        self.version = f"{version(self.bin, 'fastapi')}, onnxruntime {version(self.bin, 'onnxruntime')}"

    def command(self, port, model):
        self.environment = self.python_environment(model)
        return [str(self.bin / "uvicorn"), "--app-dir", str(PEERS), "fastapi_ort:app", "--port", str(port), "--workers", "2",
                "--loop", "uvloop", "--http", "httptools", "--log-level", "error", "--no-access-log"]


class FastifyOrt(Contestant):
    name, title = "fastify_ort", "Fastify + onnxruntime-node"

    def setup(self):
        if not shutil.which("npm"):
            raise Missing("npm is not there (apt install npm)")
        self.modules = WORK / "node/node_modules"
        self.ort = venv("fastapi_ort")  # writes the ONNX file
        folder, wanted = WORK / "node", PEERS / "package.json"
        if not (folder / "package.json").exists() or (folder / "package.json").read_text() != wanted.read_text() or not self.modules.exists():
            folder.mkdir(exist_ok=True)
            shutil.copy(wanted, folder / "package.json")
            # its install script would fetch libraries for graphics cards
            run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], WORK / "fastify_ort.install.log", cwd=folder)
        self.folders = [folder]
        node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
        wants = json.loads(wanted.read_text())["dependencies"]
        self.version = f"{wants['fastify']}, onnxruntime-node {wants['onnxruntime-node']}, node {node}"

    def command(self, port, model):
        file = WORK / f"{pathlib.Path(model).name}.onnx"
        environment = {**os.environ, **self.python_environment(model)}
        run([str(self.ort / "python"), str(PEERS / "ort.py"), str(file)], WORK / "fastify_ort.install.log", env=environment)
        self.environment = {"BENCH_NODE_MODULES": str(self.modules)}
        return ["node", str(PEERS / "fastify_ort.mjs"), str(port), str(file)]


class PythonServer(Contestant):
    """A peer that is a script of its own."""

    def setup(self):
        self.bin = venv(self.name)
        self.folders = [self.bin.parent]
        self.version = f"{version(self.bin, self.package)}, onnxruntime {version(self.bin, 'onnxruntime')}"

    def command(self, port, model):
        self.environment = self.python_environment(model)
        return [str(self.bin / "python"), str(PEERS / f"{self.name}.py"), *self.arguments(port)]

    def arguments(self, port):
        return [str(port)]


class Litserve(PythonServer):
    name, title, package = "litserve_ort", "LitServe", "litserve"


class Kserve(PythonServer):
    name, title, package = "kserve_ort", "KServe's Python server", "kserve"
    path = staticmethod(lambda net: f"/v2/models/{net}/infer")
    body = staticmethod(v2_body)

    def arguments(self, port):
        return [f"--http_port={port}"]


class Pytriton(PythonServer):
    name, title, package = "pytriton_ort", "Triton (PyTriton)", "nvidia-pytriton"
    may_sleep = False  # its locks time out meanwhile, and it aborts
    path = staticmethod(lambda net: f"/v2/models/{net}/infer")
    body = staticmethod(v2_body)


class Mlserver(PythonServer):
    name, title, package = "mlserver_ort", "MLServer", "mlserver"
    path = staticmethod(lambda net: f"/v2/models/{net}/infer")
    body = staticmethod(v2_body)

    def command(self, port, model):
        self.environment = self.python_environment(model)
        folder = WORK / "mlserver"
        folder.mkdir(exist_ok=True)
        settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0,
                    "debug": False}
        (folder / "settings.json").write_text(json.dumps(settings))
        net = json.loads((pathlib.Path(model) / "model.json").read_text())["name"]
        (folder / "model-settings.json").write_text(json.dumps({"name": net, "implementation": "mlserver_ort.Runtime"}))
        return [str(self.bin / "mlserver"), "start", str(folder)]


class Torchserve(Contestant):
    name, title = "torchserve", "TorchServe"
    path = staticmethod(lambda net: f"/predictions/{net}")

    def setup(self):
        needs_torch()
        if not shutil.which("java"):
            raise Missing("Java is not there (apt install default-jre-headless)")
        self.bin = venv(self.name, sees_system=True)
        self.folders = [self.bin.parent]
        self.version = version(self.bin, "torchserve")

    def command(self, port, model):
        net = json.loads((pathlib.Path(model) / "model.json").read_text())["name"]
        store = WORK / "torchserve"
        store.mkdir(exist_ok=True)
        run([str(self.bin / "torch-model-archiver"), "--model-name", net, "--version", "1", "--force", "--export-path", str(store),
             "--handler", str(PEERS / "torchserve_handler.py"), "--extra-files", f"{PEERS / 'net.py'},{PEERS / 'torch_mlp.py'}"],
            WORK / "torchserve.install.log")
        (store / "config.properties").write_text(
            f"inference_address=http://127.0.0.1:{port}\nmanagement_address=http://127.0.0.1:{port + 1}\n"
            f"metrics_address=http://127.0.0.1:{port + 2}\nenable_grpc=false\ndefault_workers_per_model=2\n"
            "disable_token_authorization=true\nmax_request_size=16777216\n")
        path = f"{self.bin}:{os.environ['PATH']}"
        self.environment = {**self.python_environment(model), "PATH": path, "LOG_LOCATION": str(store), "METRICS_LOCATION": str(store)}
        return [str(self.bin / "torchserve"), "--foreground", "--model-store", str(store), "--models", f"{net}={net}.mar",
                "--ts-config", str(store / "config.properties"), "--disable-token-auth"]


class Furnace(Contestant):
    """A server in Rust, on Burn. Batching is off, as its authors advise for nets so small."""

    name, title, version = "furnace", "Furnace (Burn)", "0.11.0, burn 0.22.1"
    path = staticmethod(lambda net: "/v2/models/x/infer")

    @staticmethod
    def body(rows):
        return v2_body(rows).replace(b'"name": "x"', b'"name": "input"')

    def setup(self):
        if not shutil.which("cargo"):
            raise Missing("cargo is not there (https://rustup.rs, 1.95 or later)")
        folder = WORK / "furnace"
        shutil.copytree(PEERS / "furnace", folder, dirs_exist_ok=True)
        run(["cargo", "build", "--release"], WORK / "furnace.install.log", cwd=folder)
        self.program = folder / "target/release/furnace-peer"
        self.folders = [self.program]

    def command(self, port, model):
        self.environment = {"BENCH_MODEL": str(model)}
        return [str(self.program), str(port)]


ALL = [Relud, Ceiling, FastapiTorch, FastapiOrt, FastifyOrt, Pytriton, Mlserver, Kserve, Litserve, Torchserve, Furnace]
