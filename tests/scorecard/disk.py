"""F. Models and disk: rows 39 to 45."""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import wire
from card import NotRun, row, size
from subject import DIGIT_BODY, DIGIT_FILE, DIGITS, RELUD, bench, bench_report, failures, free_port, fuzz_row, sanitized, server, small_model, wide_model

FILES = ("model.safetensors", "model.json")
MB = 1 << 20


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="relud-disk-") as path:
        yield pathlib.Path(path)


def replace(path, data):
    """As whoever deploys a model should: whole or not at all."""
    part = path.with_name(path.name + ".new")
    part.write_bytes(data)
    part.rename(path)


def relud(*words, prefix=(), **more):
    return subprocess.run([*prefix, RELUD, *map(str, words)], capture_output=True, text=True, timeout=120, **more)


# ---- 39: reload under load ----

def digits_twins(root):
    """The digits model as root/digits, and the bytes of its weights and of the same with every sign the other way."""
    shutil.copytree(pathlib.Path(DIGITS) / "1", root / "digits")
    old = (root / "digits/model.safetensors").read_bytes()
    begin = 8 + int.from_bytes(old[:8], "little")
    new = bytearray(old)
    new[begin + 3::4] = bytes(byte ^ 0x80 for byte in old[begin + 3::4])
    return old, bytes(new)


class Asker(threading.Thread):
    """Asks one thing again and again on one connection; `odd` keeps what is none of the `expected` answers."""

    def __init__(self, port, request, expected):
        super().__init__(daemon=True)
        self.port, self.request, self.expected = port, request, expected
        self.answers, self.odd, self.is_over = 0, [], False

    def run(self):
        try:
            with wire.Connection(self.port) as connection:
                while not self.is_over:
                    connection.send(self.request)
                    answer = connection.answer()
                    self.answers += 1
                    if answer.code != 200 or answer.body not in self.expected:
                        self.odd.append(repr(answer))
        except Exception as why:  # a broken connection is a failure, too
            self.odd.append(repr(why))

    def finish(self):
        self.is_over = True
        self.join(60)


def load_anew(subject, expected, by_signal):
    """Has the digits model loaded anew, and returns whether it answers as expected: at once when the administrator has been told that it is
    loaded, soon after SIGHUP, which tells nobody."""
    def is_new():
        return subject.ask("/predict", DIGIT_BODY).body == expected
    if not by_signal:
        return subject.load("digits").code == 200 and is_new()
    subject.signal(signal.SIGHUP)
    return wire.wait_for(is_new)


@row(39, "F", "reloads at half of the best load", "0 failed, every answer the old or the new model's, memory within 2 MB")
def reload_under_load():
    seconds, least = size(15, 150), size(25, 500)
    with folder() as root:
        weights = digits_twins(root)
        with server(models=[root / "digits"], admin=True) as subject:
            expected = []
            for one in weights:
                replace(root / "digits/model.safetensors", one)
                assert subject.load("digits").code == 200
                expected.append(subject.ask("/predict", DIGIT_BODY).body)
            assert expected[0] != expected[1]
            best = bench(subject, seconds=2, same=False)["answers_per_second"]
            load = bench(subject, seconds=seconds, rate=best / 2, same=False, start=True)
            askers = [Asker(subject.port, wire.request("/predict", DIGIT_BODY), expected) for _ in range(2)]
            for asker in askers:
                asker.start()
            reloads = without_effect = 0
            while load.poll() is None:
                replace(root / "digits/model.safetensors", weights[reloads % 2])
                without_effect += not load_anew(subject, expected[reloads % 2], by_signal=reloads % 5 == 0)
                reloads += 1
                if reloads == least // 2:
                    begin = subject.rss()
                time.sleep(0.1)  # for the load to see each of them
            grown = (subject.rss() - begin) / MB
            for asker in askers:
                asker.finish()
            report = bench_report(load)
    answers = sum(asker.answers for asker in askers)
    odd = [one for asker in askers for one in asker.odd]
    bad = failures(report)
    return (not odd and not bad and not without_effect and grown < 2 and reloads >= least and answers > reloads,
            f"{reloads} reloads, every fifth by SIGHUP, {without_effect} without effect; {report['answers']:,} answers at {best / 2:,.0f}/s, "
            f"{bad} failed; {answers:,} more compared, {len(odd)} neither model's{': ' + odd[0][:80] if odd else ''}; {grown:+.1f} MB")


# ---- 40: damaged files ----

def damages(files, truncations, flips):
    """(name, bytes) of model files cut short at places all over them, and with a bit turned over."""
    draw = random.Random(40)
    whole = sum(len(data) for data in files.values())
    for i in range(truncations):
        at = i * whole // truncations  # both files end to end
        name = FILES[0] if at < len(files[FILES[0]]) else FILES[1]
        yield name, files[name][:at if name == FILES[0] else at - len(files[FILES[0]])]
    for _ in range(flips):
        name = draw.choice(FILES)
        data = bytearray(files[name])
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        yield name, bytes(data)


def is_right(answer):
    """Is it a prediction of finite numbers, or an error in words?"""
    body = json.loads(answer.body, parse_constant=lambda text: None)
    return bool(body.get("error")) if answer.code in (400, 404) else answer.code == 200 and None not in body["outputs"][0]


@row(40, "F", "reload of damaged files", "a refused one leaves the old model serving, 0 crashes")
def damaged_reload():
    truncations, flips = size(100, 1000), size(300, 10000)
    try:
        command, build = sanitized(), "with ASan and UBSan"
    except NotRun:
        command, build = None, "without sanitizers"
    body = b'{"inputs":[1,2,3,4]}'
    with folder() as root:
        model = small_model(root, "m", weights=(0.5, -0.25, 3, 1e-3))
        files = {name: (model / name).read_bytes() for name in FILES}
        with server("--workers", "1", models=[model], admin=True, command=command) as subject:
            good = subject.ask("/predict", body).body
            refused = taken = wrong = 0
            for name, data in damages(files, truncations, flips):
                replace(model / name, data)
                code = subject.load("m").code
                answer = subject.ask("/predict", body)
                if code == 200:
                    taken += 1
                    wrong += not is_right(answer)
                else:
                    refused += 1
                    wrong += not 400 <= code < 500 or answer.body != good
                replace(model / name, files[name])
                if code == 200:
                    wrong += subject.load("m").code != 200 or subject.ask("/predict", body).body != good
            wrong += subject.load("m").code != 200 or subject.ask("/predict", body).body != good
    return (wrong == 0 and refused >= truncations * 0.9,
            f"{truncations:,} truncations, {flips:,} flipped bits {build}: {refused:,} refused, {taken:,} were models of other numbers; "
            f"{wrong} wrong answers, 0 crashes")


# ---- 41: fuzzed readers ----

@row(41, "F", "safetensors and ONNX readers fuzzed", "0 findings (the hours are in row 26)")
def fuzzed_readers():
    return fuzz_row(("model", "onnx"), hours=0)


# ---- 42: truncated while it is read ----

@row(42, "F", "model file truncated while it is loaded and served", "no SIGBUS: an answer or a refusal, the old model serves")
def truncated_while_mapped():
    times = size(30, 300)
    draw = random.Random(42)
    body = json.dumps({"inputs": [1] * 784}).encode()
    with folder() as root:
        model = wide_model(root, "w", widths=(784, 1024, 1024, 10))
        path = model / FILES[0]
        whole = path.read_bytes()
        with server("--workers", "1", models=[model], admin=True) as subject:
            begin = time.monotonic()
            assert subject.load("w").code == 200
            took = time.monotonic() - begin
            good = subject.ask("/predict", body).body
            is_mapped = str(path) in pathlib.Path(f"/proc/{subject.pid}/maps").read_text()
            refused = wrong = 0
            for _ in range(times):
                path.write_bytes(whole)
                cut = threading.Timer(took * draw.random() ** 3, os.truncate,  # it is read first, and tried for longer
                                       (path, draw.randrange(len(whole))))
                cut.start()
                code = subject.load("w").code
                cut.join()
                refused += code == 400
                wrong += code not in (200, 400) or subject.ask("/predict", body).body != good
            path.write_bytes(b"")  # while it is served
            wrong += subject.ask("/predict", body).body != good
    return (not wrong and not is_mapped and refused > 0,
            f"{times} loads of {len(whole) / MB:.0f} MB cut within: {refused} refused, {wrong} wrong answers, {'mapped' if is_mapped else 'not mapped'}")


# ---- 43, 44: writing ----

@contextlib.contextmanager
def small_disk(kilobytes):
    """A file system of its own that is soon full."""
    with folder() as path:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", path], capture_output=True, text=True)
        if done.returncode:
            raise NotRun("a small tmpfs cannot be mounted here: " + done.stderr.strip()[-100:])
        try:
            yield path
        finally:
            subprocess.run(["umount", path], check=True)


class Trainings:
    """Trainings of one small net with seeds in turn over the same directory, and which of them is found there."""

    def __init__(self, root, out):
        self.data, self.out = root / "rows.csv", out
        draw = random.Random(1)
        self.data.write_text("".join(f"{','.join(f'{draw.gauss(0, 1):.3f}' for _ in range(64))},{draw.randrange(4)}\n" for _ in range(60)))
        self.whole = {}
        for seed in (1, 2):
            done = relud(*self.words(seed, root / f"seed{seed}"))
            assert done.returncode == 0, done.stderr
            self.whole[self.bytes_of(root / f"seed{seed}")] = seed

    def words(self, seed, out=None):
        return ["train", "--data", self.data, "--layers", "64,128,4", "--epochs", "2", "--threads", "1", "--seed", seed, "--name", "net", "--overwrite", "--force",
                "--out", out or self.out]

    @staticmethod
    def bytes_of(model):
        return tuple((name, (model / name).read_bytes()) for name in sorted(os.listdir(model))) if model.is_dir() else None

    def found(self):
        """The seed of the whole model that is there, each byte of each file; None when it is not one of them, or does not load."""
        seed = self.whole.get(self.bytes_of(self.out))
        return seed if seed and relud("check", self.out).returncode == 0 else None


def fill(disk, left):
    """Takes the disk's room except `left` bytes."""
    (disk / "filler").unlink(missing_ok=True)
    about = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(max(0, about.f_bavail * about.f_frsize - left)))


def train_on_full_disk(root, disk):
    """(refused, wrong) of trainings over a whole model, with room for a part of the new one."""
    trainings = Trainings(root, disk / "net")
    assert relud(*trainings.words(1)).returncode == 0
    refused = wrong = 0
    for pages in range(0, 32, size(2, 1)):
        before = trainings.found()
        fill(disk, pages * 4096)
        done = relud(*trainings.words(3 - before))
        refused += done.returncode != 0
        wrong += trainings.found() != (before if done.returncode else 3 - before) or (done.returncode != 0 and "relud: " not in done.stderr)
    return refused, wrong


def convert_on_full_disk(disk):
    """(refused, wrong): a model that was not written whole must not look like one."""
    refused = wrong = 0
    for pages in range(0, 220, size(20, 4)):
        shutil.rmtree(disk / "copy", ignore_errors=True)
        fill(disk, pages * 4096)
        done = relud("convert", DIGITS, disk / "copy")
        refused += done.returncode != 0
        is_named = (disk / "copy" / FILES[1]).exists()
        wrong += is_named != (done.returncode == 0) or (is_named and relud("check", disk / "copy").returncode != 0)
        wrong += done.returncode != 0 and "relud: convert: " not in done.stderr
    return refused, wrong


def serve_on_full_log():
    """Whether a server whose log cannot be written serves as any other."""
    with open("/dev/full", "w") as full, server("--log-level", "debug", stderr=full, port=free_port()) as subject:
        return failures(bench(subject, seconds=1)) == 0


@row(43, "F", "disk full while a model is written, and for the log", "the old files intact, an error that says so")
def full_disk():
    with folder() as root, small_disk(4096) as disk:
        refused, wrong = train_on_full_disk(root, disk)
        shutil.rmtree(disk / "net")
        more_refused, more_wrong = convert_on_full_disk(disk)
    is_serving = serve_on_full_log()
    refused, wrong = refused + more_refused, wrong + more_wrong
    return (refused > 0 and wrong == 0 and is_serving,
            f"{refused} writes refused, {wrong} left a broken model or said nothing; log on /dev/full: {'served' if is_serving else 'not served'}")


# What is killed within: every call that changes something on the disk.
WRITING = "write,rename,renameat2,mkdir,rmdir,unlink,fsync"


def kill_at_each_call(trainings):
    """(kills, wrong): the program killed at its first call that writes, at its second, until it comes to its end."""
    kills = wrong = 0
    seed = trainings.found()
    for nth in range(1, 500):
        prefix = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={WRITING}", "-e", f"inject={WRITING}:signal=SIGKILL:when={nth}"]
        done = relud(*trainings.words(3 - seed), prefix=prefix)
        found = trainings.found()
        if done.returncode == 0:
            return kills, wrong + (found != 3 - seed)
        kills += 1
        wrong += found is None
        if found is None:
            assert relud(*trainings.words(seed)).returncode == 0
        seed = found or seed
    return kills, wrong + 1


def kill_at_random(trainings, times):
    """(kills, wrong, old, new)"""
    draw = random.Random(44)
    begin = time.monotonic()
    assert relud(*trainings.words(1)).returncode == 0
    took = time.monotonic() - begin
    kills = wrong = old = new = 0
    seed = 1
    for _ in range(times):
        process = subprocess.Popen([RELUD, *map(str, trainings.words(3 - seed))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(took * 0.3, took * 1.2))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        found = trainings.found()
        wrong += found is None
        old += found == seed
        new += found == 3 - seed
        seed = found or seed
    return kills, wrong, old, new


@row(44, "F", "kill -9 while a model is written", "always the old or the new one, and it loads")
def kill_while_saving():
    times = size(60, 500)
    with folder() as root:
        trainings = Trainings(root, root / "net")
        kills, wrong, old, new = kill_at_random(trainings, times)
        words = f"{times} trainings, {kills} killed within: {old} old, {new} new, {wrong} neither"
        if shutil.which("strace"):
            kills, more = kill_at_each_call(trainings)
            wrong += more
            words += f"; killed at each of {kills} calls that write: {more} wrong"
        wrong += relud(*trainings.words(1)).returncode != 0 or trainings.found() != 1  # what was left lying there hinders nobody
    return wrong == 0 and kills > 0 and old + new + wrong >= times, words


# ---- 45: names ----

ODD_NAMES = ["..", ".", "...", "../secret", "../../etc/passwd", "/etc/passwd", "%2e%2e", "%2e%2e%2fsecret", "..%2fsecret", "..%2f..%2fetc%2fpasswd",
             "%2fetc%2fpasswd", "%252e%252e%252fsecret", "%c0%ae%c0%ae%c0%afsecret", "..%5csecret", "..\\secret", "....//secret", "m%2f..%2f..%2fsecret",
             "%00", "m%00", "m%00.onnx", "m%0d%0aX-Odd:%20yes", "m%0a", ".hidden", "~root", "$HOME", "`id`", "m;id", "m|id", "*", "m*", "%", "%zz", "%2",
             "m%20", "%20", "\xff\xfe", "%ff%fe", "a" * 300, "%41" * 300, "m/1", "m%2f1", "file:%2f%2f%2fetc%2fpasswd", "CON", "nul.", "-rf", "--help"]


def odd_requests(routes):
    """(method, path, body) with each odd name in each part of each route, and in the members that name a model."""
    for method, path in routes:
        for part in re.findall(r"\{\w+\}", path):
            for name in ODD_NAMES:
                filled = re.sub(r"\{\w+\}", lambda found: name if found[0] == part else {"{model}": "m", "{version}": "1"}.get(found[0], "stable"), path)
                yield method, filled, b"{}" if method == "POST" else None
    for name in ODD_NAMES:
        text = re.sub("%(..)", lambda found: chr(int(found[1], 16)) if re.fullmatch("[0-9a-f]{2}", found[1]) else found[0], name)
        for member in ("model", "version"):
            yield "POST", "/predict", json.dumps({"inputs": [1, 2], member: text}).encode()
        for parameter in ("config", f"file:{text}/model.onnx"):
            yield "POST", "/v2/repository/models/m/load", json.dumps({"parameters": {parameter: text}}).encode()
        yield "GET", "/" + name, None
        yield "GET", "/openapi.json/" + name, None


def opened(trace):
    """The paths that strace saw, of calls that had to do with files."""
    return re.findall(r'^\d+ +\w+\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)"', trace, re.M)


@row(45, "F", "path traversal and odd names on every route", "400 or 404, no file touched outside the models")
def odd_names():
    with folder() as root:
        small_model(root, "secret")
        model = small_model(root / "models", "m")
        trace = root / "trace"
        strace = ["strace", "-D", "-f", "-o", str(trace), "-s", "4096", "-e", "trace=%file"] if shutil.which("strace") else []
        with server("--workers", "1", models=[root / "models"], admin=True, command=[*strace, RELUD]) as subject:
            at_start = trace.stat().st_size if strace else 0
            codes, asked, odd = {}, 0, []
            for method, path, body in odd_requests(subject.routes()):
                answer = subject.ask(path, body, method=method, port=subject.admin_port)
                asked += 1
                codes[answer.code] = codes.get(answer.code, 0) + 1
                if answer.code not in (400, 404) or "x-odd" in answer.headers:
                    odd.append(f"{method} {path[:60]} {(body or b'')[:40]!r}: {answer.code}")
            assert subject.load("m").code == 200  # seen by strace, or what it has seen is worth nothing
            paths = [str((pathlib.Path.cwd() / path).resolve()) for path in opened(trace.read_bytes()[at_start:].decode("latin-1"))] if strace else []
        right = {str(path) for path in (*model.parents, pathlib.Path("/etc/localtime").resolve())}  # the way down; what the Date header wants
        outside = sorted({path for path in paths if path not in right and not path.startswith((f"{root}/models/", "/proc/self/"))})
        if strace and not any(path.startswith(str(model)) for path in paths):
            raise RuntimeError("strace saw no model being loaded")
    seen = f"{len(paths)} file calls, {len(outside)} outside{': ' + outside[0] if outside else ''}" if strace else "file calls not watched (no strace)"
    return not odd and not outside, f"{asked:,} requests, {codes}{'; ' + odd[0] if odd else ''}; {seen}"
