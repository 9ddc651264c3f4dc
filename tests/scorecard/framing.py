"""C. HTTP conformance, smuggling: rows 20 to 25."""
import contextlib
import functools
import json
import os
import pathlib
import random
import re
import select
import shutil
import socket
import subprocess
import tempfile

import corpus
import wire
from card import NotRun, row, size
from subject import server

STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3}[ \r]")
# A request that never ends and a connection that idles are ended soon.
SOON = ("--header-timeout-ms", "1500", "--body-timeout-ms", "1500", "--idle-timeout-ms", "1500")


# ---- the corpus ----

@functools.cache
def corpus_answers():
    """{case: the bytes that came back}, each case on a connection of its own, 16 at a time."""
    with server(*SOON) as subject:
        came = wire.spread(lambda case: wire.exchange(subject.port, case.data + corpus.FOLLOWER), corpus.CASES, 16)
        return dict(zip(corpus.CASES, came))


def error_fault(answer):
    """What is wrong with an error answer's form; "" when it is as all errors are."""
    if answer.code < 400:
        return ""
    if answer.headers.get("content-type") != "application/json":
        return f"an error as {answer.headers.get('content-type')}"
    try:
        fields = json.loads(answer.body)
    except ValueError:
        return f"an error that is not JSON: {answer.body[:60]!r}"
    return "" if list(fields) == ["error"] and isinstance(fields["error"], str) else f"an error {answer.body[:60]!r}"


def reading_of(case, answers):
    """How the answers read the case: "refused", "silent" (ended without a word), "read" as the RFC, "taken" by leniency, or "" for wrong."""
    codes = tuple(a.code for a in answers)
    ids = [a.headers.get("x-request-id") for a in answers]
    is_followed = codes[-1:] == (200,) and ids[-1] == "follower"
    read = codes[:-1] if is_followed else codes
    if "smuggled" in ids:
        return ""
    if case.reading and is_followed and read == case.reading:
        return "read"
    if case.taken and read == case.taken_codes:
        return "taken"
    # An error may come at each request of the reading, and what was read before it is answered as the RFC reads it.
    if answers and answers[-1].headers.get("connection") == "close" and codes[-1] >= 400 and codes[:-1] == case.reading[:len(codes) - 1]:
        return "refused"
    return "silent" if codes == case.reading else ""


@row(20, "C", f"corpus of {len(corpus.CASES)} framings", "each: an error and the end, or the framing of RFC 9112; 0 second answers")
def odd_framings():
    count, wrong, kinds = {}, [], set()
    for case, data in corpus_answers().items():
        try:
            answers = wire.Recorded(data).answers()
            reading = reading_of(case, answers)
            fault = "" if reading else f"{[a.code for a in answers]}"
            fault = fault or next(filter(None, map(error_fault, answers)), "")
        except wire.Broken as why:
            reading, fault = "", f"no answer: {why}"
        count[reading] = count.get(reading, 0) + 1
        kinds |= {case.taken} if reading == "taken" else set()
        wrong += [f"{case.name}: {fault}"] if fault else []
    measured = (f"{count.get('refused', 0)} refused, {count.get('silent', 0)} ended without a word, {count.get('read', 0)} read as the RFC does, "
                f"{count.get('taken', 0)} taken that it refuses ({'; '.join(sorted(kinds)) or 'none'}), {len(wrong)} wrong")
    return not wrong, measured + "".join(f"; {w}" for w in wrong[:5])


@row(24, "C", "status lines in the corpus' answers", "never two for one request")
def one_status_line_each():
    lines = twice = 0
    for data in corpus_answers().values():
        found = len(STATUS_LINE.findall(data))
        lines += found
        with contextlib.suppress(wire.Broken):
            found -= len(wire.Recorded(data).answers())
        twice += found
    return twice == 0 and lines > len(corpus.CASES), f"{lines} status lines in the answers to {len(corpus.CASES)} cases, {twice} too many"


# ---- behind a proxy ----

HAPROXY = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
PROXY = """
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 3s
    timeout server 3s
    timeout http-request 3s
    http-reuse always
frontend in
    bind 127.0.0.1:{front}
    default_backend relud
backend relud
    server relud 127.0.0.1:{back} maxconn 1
"""


@contextlib.contextmanager
def proxy(port):
    """haproxy in front of `port`: its own port. One connection to the server, used again for everything, so that a byte left over there
    would come up in somebody else's answer."""
    if not HAPROXY:
        raise NotRun("haproxy is not installed (make scorecard-deps)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        front = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder) / "haproxy.cfg"
        settings.write_text(PROXY.format(front=front, back=port))
        process = subprocess.Popen([HAPROXY, "-db", "-q", "-f", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not wire.wait_for(lambda: process.poll() is not None or is_open(front), 20):
                raise RuntimeError("haproxy does not listen")
            yield front
        finally:
            process.kill()
            process.wait()


def is_open(port):
    with contextlib.suppress(OSError):
        wire.Connection(port, 1).close()
        return True
    return False


def is_own_answer(port, number):
    """Asks for something of its own and looks whether the answer is the one to it."""
    answer = wire.ask(port, "/relu", b'{"input":%d}' % number, [f"X-Request-Id: probe-{number}"])
    return answer.code == 200 and answer.headers.get("x-request-id") == f"probe-{number}" and answer.body.endswith(b'"output":%d}\n' % number)


def proxied_fault(case, data):
    """More answers than the RFC's reading has requests, or one to a request that is in a body; "" when there is none."""
    answers = len(STATUS_LINE.findall(data)) - data.count(b"HTTP/1.1 100 ")
    most = max(len(case.reading), 1) + 1
    if b"smuggled" in data or answers > most:
        return f"{answers} answers to {most} requests"
    return ""


@row(21, "C", "the same through haproxy, one connection behind it", "never more answers than requests; the next client gets its own answer")
def odd_framings_behind_a_proxy():
    wrong, probes, lost = [], 0, 0
    with server(*SOON) as subject, proxy(subject.port) as front:
        for number, case in enumerate(corpus.CASES, 1):
            data = wire.exchange(front, case.data + corpus.FOLLOWER)
            fault = proxied_fault(case, data)
            probes += 1
            lost += not is_own_answer(front, number)
            wrong += [f"{case.name}: {fault}"] if fault else []
        version = subprocess.run([HAPROXY, "-v"], capture_output=True, text=True).stdout.split()[2]
    measured = (f"haproxy {version.split('-')[0]}, {len(corpus.CASES)} cases: {len(wrong)} with more answers than requests, "
                f"{lost} of {probes} next clients with another answer")
    return not wrong and not lost, measured + "".join(f"; {w}" for w in wrong[:5])


# ---- limits ----

def sent_until_answer(port, head, filler, most):
    """Sends head, then the filler again and again up to `most` bytes, looking for an answer after each: (answer or None, bytes of filler)."""
    with wire.Connection(port, 10) as connection:
        sent = 0
        try:
            connection.send(head)
            while sent < most and not select.select([connection.socket], [], [], 0.05)[0]:
                connection.send(filler)
                sent += len(filler)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return connection.answer(), sent
        except (EOFError, wire.Broken, TimeoutError):
            return None, sent


@row(22, "C", "limits: header 431, URL 414, body 413 before it is read", "exact status, at most 64 KB read")
def limits_before_reading():
    """Of a client that will not wait for an answer, a body of up to twice the limit is let pass and dropped, so that it lives to read its 413."""
    limit, piece = 1 << 20, b"a" * 4096
    forms = [(431, "a field", corpus.get()[:-2] + b"X: ", piece), (431, "fields", corpus.get()[:-2], b"X: a\r\n" * 512), (414, "a URL", b"GET /", piece),
             (413, "a body of 3 times the limit", corpus.POST + b"Content-Length: 3145728\r\n\r\n", piece),
             (413, "a body with Expect", corpus.POST + b"Content-Length: 1572864\r\nExpect: 100-continue\r\n\r\n", piece)]
    seen, held = [], True
    with server("--max-body", limit) as subject:
        for code, what, head, filler in forms:
            answer, sent = sent_until_answer(subject.port, head, filler, limit)
            held &= answer is not None and answer.code == code and not error_fault(answer) and sent <= 65536
            seen.append(f"{answer.code if answer else 'nothing'} after {sent / 1024:.0f} KB of {what}")
        before = subject.rss()
        body = b" " * (limit * 3 // 2)
        codes = [subject.ask("/relu", body).code, subject.ask("/relu", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), ["Transfer-Encoding: chunked"]).code]
        held &= codes == [413, 413]
        seen.append(f"{codes} to 1.5 times the limit, let pass and dropped (memory +{(subject.rss() - before) / 1e6:.1f} MB)")
    return held, ", ".join(seen)


# ---- methods ----

VARYING = {"date", "x-request-id", "server-timing"}
REPEATED = {"content-length"}  # of a page of counters, or of uptime


def paths_of(subject):
    """[(path, methods)] of the API description, with the served model's names put in."""
    names = {"{model}": "digits", "{version}": "1", "{label}": "stable"}
    found = []
    for path, methods in json.loads(subject.ask("/openapi.json").body)["paths"].items():
        for variable, name in names.items():
            path = path.replace(variable, name)
        found.append((path, {m.upper() for m in methods} & {"GET", "POST"}))
    return found


def method_faults(subject, path, methods):
    faults = []
    if "GET" in methods:
        got, head = subject.ask(path), subject.ask(path, method="HEAD")
        fixed = VARYING if path != "/metrics" else VARYING | REPEATED
        if (got.code, {k: v for k, v in got.headers.items() if k not in fixed}) != (head.code, {k: v for k, v in head.headers.items() if k not in fixed}):
            faults.append(f"HEAD {path}: {head.code} {head.headers}")
    options = subject.ask(path, method="OPTIONS")
    allowed = set(options.headers.get("allow", "").split(", "))
    if options.code != 204 or not methods <= allowed or not allowed <= methods | {"HEAD", "OPTIONS"}:
        faults.append(f"OPTIONS {path}: {options.code} Allow {allowed}")
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "get", "post", "Post", "BREW", *({"GET", "POST"} - methods)):
        answer = subject.ask(path, method=method)
        if answer.code != 405 or answer.headers.get("allow") != options.headers.get("allow") or error_fault(answer):
            faults.append(f"{method} {path}: {answer.code}")
    return faults


@row(23, "C", "methods on every path", "HEAD has GET's headers; OPTIONS 204 and others 405 with Allow; TRACE and lower case refused")
def methods():
    with server() as subject:
        paths = paths_of(subject)
        faults = [fault for path, known in paths for fault in method_faults(subject, path, known)]
    return bool(paths) and not faults, f"{len(paths)} paths, {len(faults)} other answers" + "".join(f"; {f}" for f in faults[:5])


# ---- injection ----

ENDS = (b"\r\n", b"\n", b"\r", b"\0", b"%0d%0a", b"%0D%0A", b"%0a", b"%00", b"%E5%98%8A%E5%98%8D", b"%250d%250a", b"\\r\\n", b"\\u000d\\u000a",
        b"\\u0000", "\u560a\u560d".encode(), "\u2028".encode(), b"\x0b", b"\x0c", b"\x85", b"\xff", b"\r\n ", b"\r\n\t", b"\t")
PLANTED = (b"X-Injected: yes", b"Set-Cookie: a=b", b"Content-Length: 0", b"HTTP/1.1 200 OK\r\nX-Injected: yes")


def injections(draw):
    """One request with a line end and a header planted where the server might give it back: an id, a name, a version, a target, JSON."""
    end, planted = draw.choice(ENDS), draw.choice(PLANTED)
    word = b"a" + b"".join(end + planted for _ in range(draw.randint(1, 3))) + draw.choice((b"", end, end + end + b"<html>"))
    text = word.replace(b'"', b"")
    places = [lambda: corpus.get(fields=corpus.HOST + b"X-Request-Id: " + word + b"\r\n"), lambda: corpus.get(b"GET /" + word + b" HTTP/1.1"),
              lambda: corpus.get(b"GET /v2/models/" + word + b" HTTP/1.1"), lambda: corpus.get(b"GET /v1/models/" + word + b"/metadata HTTP/1.1"),
              lambda: corpus.get(b"GET /v2/models/digits/versions/" + word + b" HTTP/1.1"), lambda: corpus.get(b"GET /healthz?" + word + b" HTTP/1.1"),
              lambda: corpus.length(b" %d" % len(json_of(text)), json_of(text)), lambda: corpus.get(word + b" /healthz HTTP/1.1"),
              lambda: corpus.get(fields=corpus.HOST + b"Accept: " + word + b"\r\n"), lambda: corpus.get(fields=b"Host: " + word + b"\r\n"),
              lambda: corpus.get(fields=corpus.HOST + b"Origin: " + word + b"\r\n"),
              lambda: corpus.length(b" 12\r\nContent-Encoding: " + word), lambda: corpus.length(b" 12\r\nContent-Type: " + word),
              lambda: corpus.length(b" %d" % len(json_of(text)), json_of(text)).replace(b"/relu", b"/predict"),
              lambda: infer_with_id(text)]
    return draw.choice(places)()


def json_of(text):
    return b'{"input":1,"inputs":[1],"model":"' + text + b'","activation":"' + text + b'"}'


def infer_with_id(text):
    body = b'{"id":"' + text + b'","inputs":[{"name":"' + text + b'","shape":[1,1],"datatype":"FP32","data":[1]}]}'
    return corpus.length(b" %d" % len(body), body).replace(b"/relu", b"/v2/models/digits/infer")


def planted_fault(data):
    """What was planted and came back as a line of a head; "" when nothing did."""
    try:
        answers = wire.Recorded(data).answers()
    except wire.Broken as why:
        return f"no answer: {why}"
    if len(STATUS_LINE.findall(b"\n".join(line for line in data.split(b"\n") if line.startswith(b"HTTP/")))) != len(answers):
        return "a status line of its own"
    for answer in answers:
        if {"x-injected", "set-cookie"} & set(answer.headers) or any(c < " " or c > "~" for value in answer.headers.values() for c in value):
            return f"headers {answer.headers}"
    return next(filter(None, map(error_fault, answers)), "")


@row(25, "C", "line ends and headers planted in ids, names, targets and JSON", "CR, LF, NUL never echoed as a header")
def header_injection():
    count, draw = size(20000, 1000000), random.Random(25)

    def ask(data):
        fault = planted_fault(wire.exchange(subject.port, data + corpus.FOLLOWER))
        return fault and f"{data[:100]!r}: {fault}"

    with server(*SOON, "--cors-origin", "*") as subject:
        faults = list(filter(None, wire.spread(ask, (injections(draw) for _ in range(count)))))
    return not faults, f"{count:,} requests, {len(faults)} headers injected" + "".join(f"; {f}" for f in faults[:3])
