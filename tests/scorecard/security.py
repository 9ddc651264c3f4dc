"""I. Security: rows 59 to 61 and 63."""
import contextlib
import hashlib
import pathlib
import random
import re
import secrets
import statistics
import subprocess
import tempfile
import time

import wire
from card import ROOT, row, size
from subject import DIGIT_BODY, bench, bench_report, failures, p99, server


@contextlib.contextmanager
def keyed_server(*options, **more):
    """A server that wants keys, and a key for each scope."""
    keys = {scope: secrets.token_urlsafe(24) for scope in ("infer", "metrics", "admin")}
    with tempfile.TemporaryDirectory(prefix="relud-") as root:
        path = pathlib.Path(root) / "keys"
        path.write_text("".join(f"{scope}-user {scope} sha256:{hashlib.sha256(key.encode()).hexdigest()}\n" for scope, key in keys.items()))
        with server("--api-keys", path, *options, **more) as subject:
            yield subject, keys


def bearer(key):
    return f"Authorization: Bearer {key}"


# ---- 59: every route ----

def is_public(path):
    """What docs/security.md lets anybody ask: health, / and /openapi.json; whether one model is ready names it."""
    return path in ("/", "/openapi.json", "/health", "/healthz", "/readyz", "/ping") or path.startswith("/v2/health/")


def wrong_keys(keys):
    """(what, query, headers): nothing of it may be taken for a key."""
    key = keys["admin"]
    yield "none", "", []
    for query in ("key", "api_key", "apikey", "access_token", "token", "X-Api-Key", "Authorization"):
        yield "in the query", f"?{query}={key}", []
    for header in ("Authorization: Bearer", "Authorization: Bearer ", "X-Api-Key: ", bearer(secrets.token_urlsafe(24)), bearer(key[:-1]), bearer(key[:1]),
                   bearer(key + "A"), bearer(key + " x"), bearer(key.swapcase()), bearer("a" * 500), bearer("a" * 5000), f"X-Api-Key: {key[:-1]}",
                   f"Authorization: {key}", f"Authorization: Basic {key}", f"Authorization: Bearer{key}", f"Cookie: key={key}",
                   f"Proxy-Authorization: Bearer {key}",
                   bearer("sha256:" + hashlib.sha256(key.encode()).hexdigest()), bearer(hashlib.sha256(key.encode()).hexdigest())):
        yield header.split(":")[0], "", [header]


def right_of(method, path):
    """The least that a route wants: what changes something wants an administrator."""
    is_admin = path.startswith("/v2/repository/") or (method == "POST" and path.endswith(("/logging", "/trace/setting")))
    return "metrics" if path == "/metrics" else "admin" if is_admin else "infer"


class Asker:
    """Asks on connections to all workers in turn: each says 429 for a second when it has seen too many wrong keys."""

    def __init__(self, port, workers):
        self.port, self.asked = port, 0
        self.connections = [wire.Connection(port) for _ in range(workers)]

    def ask(self, data, is_head=False):
        while True:
            place = self.asked % len(self.connections)
            self.asked += 1
            self.connections[place].send(data)
            answer = self.connections[place].answer(is_head=is_head, skip_continue=False)
            if answer.headers.get("connection") == "close":
                self.connections[place].close()
                self.connections[place] = wire.Connection(self.port)
            if answer.code != 429:
                return answer
            time.sleep(float(answer.headers["retry-after"]) / 4)

    def close(self):
        for connection in self.connections:
            connection.close()


def face(answer):
    """All of an answer but what differs from one to the next, and what a route's right answers vary by."""
    own = ("date", "x-request-id", "connection", "vary")
    return answer.code, answer.body, tuple(sorted((name, value) for name, value in answer.headers.items() if name not in own))


def fill(path):
    return path.replace("{model}", "digits").replace("{version}", "1").replace("{label}", "stable")


def is_refused_unread(asker, path):
    """Is a large body refused before any of it is sent?"""
    answer = asker.ask(wire.request(path, b"", ["Content-Length: 1000000", "Expect: 100-continue"]))
    return answer.code == 401 and answer.headers.get("connection") == "close"


@row(59, "I", "every route without key, with wrong ones, with a prefix, in the query", "401 or 403 before the body is read; one answer without a key, one with a wrong one")
def every_route():
    workers = 16
    with keyed_server("--workers", workers) as (subject, keys):
        asker = Asker(subject.port, workers)
        routes = subject.routes()
        odd, faces, asked, public = [], set(), 0, 0
        for method, path in routes:
            body = b"{}" if method == "POST" else None
            if is_public(path):
                public += 1
                odd += [f"{path} wants a key"] * (subject.ask(fill(path)).code != 200)
                continue
            for what, query, headers in wrong_keys(keys):
                answer = asker.ask(wire.request(fill(path) + query, body, headers, method))
                asked += 1
                faces.add(face(answer))
                odd += [f"{method} {path} {what}: {answer.code}"] * (answer.code != 401)
            odd += [f"{path} reads the body first"] * (method == "POST" and not is_refused_unread(asker, fill(path)))
            right = right_of(method, path)
            for scope in keys.keys() - {right, "admin"}:
                answer = asker.ask(wire.request(fill(path), body, [bearer(keys[scope])], method))
                odd += [f"{method} {path} as {scope}: {answer.code}"] * (answer.code != 403)
            answer = asker.ask(wire.request(fill(path), body, [bearer(keys[right])], method))
            odd += [f"{method} {path} as {right}: {answer.code}"] * (answer.code in (401, 403))
        asker.close()
        odd += ["a key is in the log"] * any(key in subject.log() for key in keys.values())
    return (not odd and len(faces) == 2 and asked > 500,
            f"{len(routes)} routes, {public} of them public; {asked:,} requests without a right key: {len(faces)} kinds of answer, {len(odd)} odd"
            f"{': ' + odd[0] if odd else ''}")


# ---- 60, 61: guessing ----

@row(60, "I", "time that a wrong key takes, right but for its end or wrong everywhere", "|t| < 4.5", timed=True)
def key_timing():
    samples = size(100_000, 1_000_000)
    subprocess.run(["make", "-s", "build/tests/bench/bench_keys"], cwd=ROOT, check=True, capture_output=True)
    done = subprocess.run([ROOT / "build/tests/bench/bench_keys", str(samples)], check=True, capture_output=True, text=True, timeout=600)
    t = {name: float(value) for name, value in re.findall(r"(\w+): t (\S+)", done.stdout)}
    return abs(t["keys"]) < 4.5 < abs(t["naive"]), f"|t| {abs(t['keys']):.2f} of {samples:,} samples (of a comparison that stops early: {abs(t['naive']):.0f})"


def good_load(subject, keys, seconds):
    return bench(subject, "--header", bearer(keys["infer"]), seconds=seconds, rate=1000, connections=8, start=True)


@row(61, "I", "1,000 wrong keys a second", "p99 of good clients < 2x, 429 with Retry-After, counted", timed=True)
def brute_force():
    rounds, seconds = size(3, 10), size(4, 10)
    calm, beside, tries, codes, broken = [], [], 0, {}, 0
    with keyed_server("--workers", "2") as (subject, keys):
        for _ in range(rounds):
            calm.append(bench_report(good_load(subject, keys, seconds)))
            bad = bench(subject, "--header", bearer("wrong"), seconds=seconds, rate=1000, connections=8, same=False, start=True)
            beside.append(bench_report(good_load(subject, keys, seconds)))
            report = bench_report(bad)
            broken += report["broken_connections"] + report["unanswered"]
            tries += report["answers"]
            for code, count in report["codes"].items():
                codes[code] = codes.get(code, 0) + count
        told = [subject.ask("/predict", DIGIT_BODY, [bearer("wrong")]) for _ in range(100)]
        metrics = subject.ask("/metrics", headers=[bearer(keys["metrics"])]).body.decode()
        counted = int(re.search(r'relud_rejected_total\{reason="key"\} (\d+)', metrics)[1])
    failed = sum(failures(report) for report in calm + beside)
    is_told = any(answer.code == 429 for answer in told) and all("retry-after" in answer.headers for answer in told if answer.code == 429)
    if failed or broken or not is_told or counted < tries + len(told) or set(codes) != {"401", "429"}:
        raise RuntimeError(f"{failed} good ones failed, {broken} connections broken, {codes}, {counted:,} of {tries:,} counted, Retry-After {is_told}")
    before, after = (statistics.median(p99(report) for report in reports) for reports in (calm, beside))
    return after < 2 * before, (f"{tries:,} wrong keys: {codes['401']:,} 401, {codes['429']:,} 429 with Retry-After, all counted; "
                                f"0 good ones failed, p99 {before:.2f} ms alone, {after:.2f} ms beside them")


# ---- 63: metrics ----

def odd_request(draw, number):
    """One request with something in it that nobody has asked for before; the kinds in turn."""
    name = draw.choice([draw.randbytes(6).hex(), f'm"}}1%0a{number}', f"%22%7d%20{number}%0arelud_rows_total", f"x{number}\\", f"{number}" * 20])
    body = b'{"inputs":[[0]],"model":"' + draw.randbytes(6).hex().encode() + b'"}'
    kinds = [lambda: wire.request(f"/v2/models/{name}/infer", b"{}"), lambda: wire.request(f"/v1/models/{name}:predict", b"{}"),
             lambda: wire.request(f"/v2/models/digits/versions/{number}"), lambda: wire.request("/predict", body),
             lambda: wire.request("/healthz", headers=[f"X-Request-Id: {name}"]), lambda: wire.request(f"/{name}/{number}?{number}={number}"),
             lambda: wire.request(f"/v1/models/digits/labels/l{number}:predict", b"{}"), lambda: wire.request("/healthz", method=f"M{number}", body=b"")]
    return kinds[number % len(kinds)]()


def scrape(subject):
    """(bytes, names with labels) of /metrics, each line of which must be what the format allows."""
    text = subject.ask("/metrics").body.decode()
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    form = re.compile(r'([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})?) [-+0-9.einfNa]+')
    names = [form.fullmatch(line) for line in lines]
    if None in names:
        raise RuntimeError(f"no line of the format: {lines[names.index(None)]}")
    return len(text), {found[1] for found in names}


@row(63, "I", "metrics after random model names, request ids, paths, methods", "the same labels, the scrape's size flat")
def metrics_cardinality():
    requests = size(20_000, 1_000_000)
    draw = random.Random(63)
    with server("--workers", "1") as subject:
        codes = {}
        with wire.Connection(subject.port) as connection:
            for number in range(requests):
                if number == requests // 20:
                    before, names = scrape(subject)
                    rss = subject.rss()
                connection.send(odd_request(draw, number))
                code = connection.answer().code
                codes[code] = codes.get(code, 0) + 1
        after, later = scrape(subject)
        grown = (subject.rss() - rss) / (1 << 20)
    more = sorted(later - names)
    return (not more and after - before < 1000 and grown < 2 and set(codes) <= {200, 400, 404, 405, 501},
            f"{requests:,} requests {codes}: {len(later)} series, {len(more)} of them new{' ' + more[0] if more else ''}; "
            f"{before:,} to {after:,} bytes; {grown:+.1f} MB")
