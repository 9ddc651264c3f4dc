"""H. Memory and threads: rows 53 to 58."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import wire
from card import IS_LONG, NotRun, ROOT, row, size
from subject import DIGIT_BODY, RELUD, bench, bench_report, failures, newest_source, run_test, sanitized, server, small_model

SOURCES = ("core", "server", "include", "tests/http", "tests/unit", "tests/service.h")


# ---- 53, 54: calls that fail ----

@row(53, "H", "memory refused at each call, once and from there on, to every command and the server", "clean errors or the next request answered, 0 crashes")
def memory_fails():
    step = size(3, 1)
    passed, failed = run_test("http/test_faults", env={"RELUD_FAULT_KINDS": "memory", "RELUD_FAULT_STEP": str(step)})
    return failed == 0 and passed > 0, f"{passed} of {passed + failed} checks of test_faults, {'every call' if step == 1 else f'every {step}rd call'}"


@row(54, "H", "input and output fail at each call: files, descriptors, threads", "clean errors or the next request answered, 0 crashes")
def calls_fail():
    passed, failed = run_test("http/test_faults", env={"RELUD_FAULT_KINDS": "files,calls"})
    return failed == 0 and passed > 0, f"{passed} of {passed + failed} checks of test_faults, every call of the program itself (epoll is libmicrohttpd's)"


# ---- 55, 56: sanitizers ----

def tests_of(kind, target):
    """What the tests built with these sanitizers came to, on this tree: the words of `make sanitize` and `make tsan` to build/."""
    path = ROOT / f"build/san-{kind}/tests.json"
    if not path.exists() or path.stat().st_mtime < newest_source(*SOURCES):
        if not IS_LONG:
            raise NotRun(f"make {target} has not been run on this tree")
        subprocess.run(["make", target], cwd=ROOT, stdout=subprocess.DEVNULL, timeout=4 * 3600)
    return json.loads(path.read_text())


def load_and_reload(seconds):
    """(answers, failed, reloads) of the program with ThreadSanitizer under load, loading models meanwhile, and drained with clients there."""
    with tempfile.TemporaryDirectory(prefix="relud-") as root:
        model = small_model(root, "m")
        body = pathlib.Path(root) / "body"
        body.write_bytes(b'{"inputs":[[1,2],[3,4]]}')
        options = {"TSAN_OPTIONS": f"exitcode=66:halt_on_error=0:suppressions={ROOT / 'tests/tsan.supp'}"}
        with server("--workers", "2", models=[model], admin=True, command=sanitized("thread"), env=options) as subject, \
                wire.Connection(subject.port) as idle:
            idle.send(wire.request("/healthz"))
            idle.answer()
            load = bench(subject, body=body, seconds=seconds, start=True)
            reloads = failed = 0
            while load.poll() is None:
                failed += subject.load("m").code != 200
                failed += subject.ask("/metrics").code != 200
                reloads += 1
            report = bench_report(load)
            if "ThreadSanitizer" in subject.log():
                raise RuntimeError(subject.log()[-500:])
        return report["answers"], failures(report) + failed, reloads


@row(55, "H", "ThreadSanitizer under load, reloads and drain", "0 reports in 10 minutes and in the tests that run threads")
def threads():
    seconds = size(5, 600)
    tests = tests_of("thread", "tsan")
    answers, failed, reloads = load_and_reload(seconds)
    return (tests["failed"] == 0 and tests["passed"] > 0 and failed == 0 and answers > 0 and reloads > 0,
            f"make tsan: {tests['passed']} passed, {tests['failed']} failed on {tests['date']}; {seconds} s: {answers:,} answers, {reloads:,} reloads, "
            f"{failed} failed, 0 reports")


@row(56, "H", "AddressSanitizer and UndefinedBehaviorSanitizer, all tests", "0 reports")
def addresses():
    tests = tests_of("address-undefined", "sanitize")
    return tests["failed"] == 0 and tests["passed"] > 0, f"make sanitize: {tests['passed']} passed, {tests['failed']} failed on {tests['date']}"


# ---- 57: valgrind ----

NUMBERS = b"\x00\x00\x80\x3f\x00\x00\x00\x40"  # 1 and 2 as float32
TALK = [("/predict", b'{"inputs":[[1,2],[3,4]],"activations":true}', ()), ("/predict", b'{"inputs":[[1,2],[3]]}', ()), ("/predict", b'{"inputs":[NaN]}', ()),
        ("/predict", NUMBERS, ("Content-Type: application/octet-stream", "Accept: application/x-npy")), ("/predict", b"{" * 100, ()),
        ("/relu", b'{"input":[[1,-2],[3,0]],"activation":"softmax","gradient":true}', ()), ("/relu", DIGIT_BODY, ("Content-Encoding: gzip",)),
        ("/v2/models/m/infer", b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}', ()),
        ("/v2/models/m/infer", b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}' + NUMBERS,
         ("Inference-Header-Content-Length: 93", "Accept-Encoding: gzip")),
        ("/v1/models/m:predict", b'{"instances":[[1,2]]}', ()), ("/v1/models/m:predict", b'{"inputs":{"x":[[1,2]]}}', ()), ("/nowhere", None, ())]
RAW = [b"GET / HTTP/1.1\r\n\r\n", b"POST /predict HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n", b"\x00\xff\r\n\r\n",
       b"POST /predict HTTP/1.1\r\nHost: r\r\nContent-Length: 100\r\n\r\n{"]


def talk(subject):
    """Some of everything: each route, answers of all kinds, and clients that break off. How many requests, and how many 200s."""
    codes = [subject.ask(path, body, headers).code for path, body, headers in TALK]
    for method, path in subject.routes():
        codes.append(subject.ask(path.replace("{model}", "m").replace("{version}", "1").replace("{label}", "stable"), b"{}" if method == "POST" else None,
                                 port=subject.admin_port).code)
    for raw in RAW:
        with wire.Connection(subject.port) as connection:
            connection.send(raw)
    codes.append(subject.load("m").code)
    codes.append(subject.ask(*TALK[0][:2]).code)
    return len(codes), codes.count(200)


def watched(tool, *options):
    """(requests, 200s, [error]) of a small run under valgrind; an error is its kind and the functions it came by."""
    with tempfile.TemporaryDirectory(prefix="relud-") as root:
        found = pathlib.Path(root) / "found"
        command = ["valgrind", f"--tool={tool}", *options, "--xml=yes", f"--xml-file={found}", RELUD]
        with server("--workers", "2", models=[small_model(root, "m")], admin=True, command=command, patience=120) as subject:
            asked, good = talk(subject)
        text = found.read_text(errors="replace")
    if "<state>FINISHED</state>" not in text:
        raise RuntimeError(f"{tool} did not come to its end")
    errors = re.findall("<error>.*?</error>", text, re.S)
    return asked, good, [(re.search("<kind>(.*?)</kind>", one)[1], re.findall(r"<obj>(.*?)</obj>\s*<fn>(.*?)</fn>", one)) for one in errors]


@row(57, "H", "valgrind memcheck, and helgrind, a small run", "0 errors, 0 bytes lost")
def under_valgrind():
    if not shutil.which("valgrind"):
        raise NotRun("valgrind is not installed")
    asked, good, errors = watched("memcheck", "--leak-check=full")
    words = f"memcheck: {asked} requests, {good} of them 200: {len(errors)} errors{' ' + str(errors[0])[:100] if errors else ''}"
    _, _, of_threads = watched("helgrind")
    ours = [error for error in of_threads if any(name == os.path.realpath(RELUD) for name, _ in error[1])]  # not what libraries do as they unload
    locks = [error for error in ours if error[0] != "Race"]
    words += (f"; helgrind: {len(locks)} wrong uses of locks{' ' + str(locks[0])[:100] if locks else ''}; "
              f"it takes C11 atomics for races ({len(ours) - len(locks)} places), row 55 does not")
    return not errors and not locks and good > 20, words


# ---- 58: coverage ----

@row(58, "H", "branches covered by the tests", "95 % of readers and loaders")
def coverage():
    path = ROOT / "build/coverage.json"
    if not path.exists() or path.stat().st_mtime < newest_source(*SOURCES):
        raise NotRun("make coverage has not been run on this tree")
    found = json.loads(path.read_text())
    readers = found["readers"]["branches"]
    return readers >= 95, f"readers and loaders {readers:.1f} % of branches; all {found['lines']:.1f} % of lines, {found['branches']:.1f} % of branches"
