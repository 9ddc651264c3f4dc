"""A. Load and overload: rows 1 to 10. Rates are shares of B, the most that one worker answers while the load generator has the other CPU; p99_0 is
the 99th percentile at half of it. An answer counts when it has the bytes of the first one, and that one is what `relud predict` says."""
import collections
import concurrent.futures
import contextlib
import functools
import json
import os
import pathlib
import random
import tempfile
import time

import wire
from card import ROOT, row, size
from subject import DIGIT_BODY, DIGIT_FILE, bench, bench_report, check_reference, failures, open_requests, p99, server, settled_metrics, watching, wide_model

MIB = 1 << 20
Healthy = collections.namedtuple("Healthy", "rate p99")


def measure_healthy(subject, body=DIGIT_FILE, connections=32, seconds=3, allowed=()):
    """B and p99_0 of a server; a bounded one on a busy machine may be `allowed` to refuse some."""
    most = bench(subject, body=body, connections=connections, seconds=seconds)
    half = bench(subject, body=body, seconds=seconds, rate=most["answers_per_second"] / 2)
    bad = failures(most, allowed) + failures(half, allowed)
    if bad:
        raise RuntimeError(f"{bad} bad answers while nothing was wrong")
    return Healthy(most["answers_per_second"], p99(half))


@functools.cache
def healthy():
    """B and p99_0 of the digits model on one worker, measured once."""
    with server("--workers", 1) as subject:
        check_reference(subject)
        return measure_healthy(subject)


@row(1, "A", "steady 0.8 B, 10 minutes", "0 not ok, p99 < 2 p99_0", timed=True)
def steady():
    base = healthy()
    with server("--workers", 1) as subject:
        check_reference(subject)
        report = bench(subject, rate=0.8 * base.rate, seconds=size(12, 600))
    bad = failures(report)
    return bad == 0 and p99(report) < 2 * base.p99, (
        f"B {base.rate:,.0f}/s; {report['answers']:,} answers in {report['seconds']:.0f} s, {bad} not ok; "
        f"p99 {p99(report):.2f} ms, p99_0 {base.p99:.2f} ms")


# A model whose rows take long to compute and little to send: being turned away is cheap.
SLOW_WIDTHS = (16, 2048, 2048, 2048, 10)
ROWS_A_TURN = 4
ROWS_IN_FLIGHT = 8
REFUSALS = (429, 503)


@contextlib.contextmanager
def slow_server(*options):
    """One worker with the slow model, and a file with one of its rows."""
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder:
        model = wide_model(folder, "slow", SLOW_WIDTHS)
        body = pathlib.Path(folder) / "row.json"
        draw = random.Random(2)
        body.write_text(json.dumps({"inputs": [[round(draw.random(), 3) for _ in range(SLOW_WIDTHS[0])]]}))
        with server("--workers", 1, "--max-batch", ROWS_A_TURN, *options, models=[model]) as subject:
            check_reference(subject, model, body)
            yield subject, body


def wait_for_refusal(subject, body, patience):
    """Retry-After of the first 429 or 503 that a client who comes in between gets; None when there is none."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        answer = subject.ask("/predict", body.read_bytes())
        if answer.code in REFUSALS:
            return answer.headers.get("retry-after")
    return None


Overload = collections.namedtuple("Overload", "base report retry_after idle_after after")


@functools.cache
def overload():
    """Three times what the server can do, and what comes after; rows 2 and 3 look at the same event."""
    seconds, warmup = size(8, 60), 1
    with slow_server("--max-inflight-rows", ROWS_IN_FLIGHT) as (subject, body):
        base = measure_healthy(subject, body, connections=ROWS_IN_FLIGHT, allowed=REFUSALS)
        begin = time.monotonic()
        load = bench(subject, body=body, rate=3 * base.rate, connections=400, seconds=seconds, warmup=warmup, start=True)
        retry_after = wait_for_refusal(subject, body, patience=seconds / 2)
        report = bench_report(load)
        end = begin + warmup + seconds
        wire.wait_for(lambda: open_requests(subject) == 0, patience=10)
        idle_after = time.monotonic() - end
        rest = max(0.05, end + 2 - time.monotonic())
        after = bench(subject, body=body, rate=base.rate / 2, warmup=rest, seconds=3)
    return Overload(base, report, retry_after, idle_after, after)


@row(2, "A", "overload 3 B, 60 s", "of the accepted >= 0.9 B and p99 < 5 p99_0; the rest 503 or 429 with Retry-After, p99 < 5 ms", timed=True)
def overloaded():
    base, report, retry_after, *_ = overload()
    bad = failures(report, allowed=REFUSALS)
    good = report["codes"].get("200", 0) / report["seconds"] / base.rate
    refused = report["refused_latency_ms"]["p99"] or 0
    held = bad == 0 and retry_after and good >= 0.9 and p99(report) < 5 * base.p99 and refused < 5
    return bool(held), (
        f"B {base.rate:,.0f}/s; accepted {good:.2f} B with p99 {p99(report):.1f} ms, p99_0 {base.p99:.1f} ms; "
        f"{report['not_2xx']:,} refused with p99 {refused:.1f} ms, Retry-After: {retry_after}; {bad} answers of other kinds")


@row(3, "A", "recovery after 2", "p99 < 2 p99_0 from 2 s after, no request left open", timed=True)
def recovered():
    base, _, _, idle_after, after = overload()
    bad, refused = failures(after, allowed=REFUSALS), after["not_2xx"]
    return bad == 0 and p99(after) < 2 * base.p99 and refused <= after["answers"] / 1000 and idle_after < 2, (
        f"nothing open {idle_after:.2f} s after; from 2 s after p99 {p99(after):.1f} ms, p99_0 {base.p99:.1f} ms, "
        f"{refused} of {after['answers']:,} refused, {bad} answers of other kinds")


DEADLINE_MS = 90
MORE_THAN_100_MS = 'relud_request_duration_seconds_bucket{endpoint="predict",le="+Inf"}', 'relud_request_duration_seconds_bucket{endpoint="predict",le="0.1"}'


def deadline_counts(subject):
    """What relud counts: requests that were too late, rows computed, requests that took more than 100 ms."""
    seen = settled_metrics(subject)
    whole, within = MORE_THAN_100_MS
    return collections.Counter(late=int(seen['relud_rejected_total{reason="deadline"}']), rows=int(seen['relud_rows_total{model="slow",version="1"}']),
                               slow=int(seen[whole] - seen[within]))


@row(4, "A", "deadline of a request while it waits", "no answer later than the deadline + 1 batch; each 504 counted, none computed", timed=True)
def deadline():
    with slow_server() as (subject, body):
        most = bench(subject, body=body, seconds=2)
        before = deadline_counts(subject)
        report = bench(subject, "--header", f"X-Request-Timeout-Ms: {DEADLINE_MS}", body=body, rate=2 * most["answers_per_second"], connections=1500,
                       seconds=size(4, 60), warmup=0)
        after = deadline_counts(subject)
        seen = subject.metrics()
    after.subtract(before)
    good, late = report["codes"].get("200", 0), report["codes"].get("504", 0)
    if failures(report, allowed=(504,)) or late == 0 or (after["late"], after["rows"]) != (late, good):
        return False, f"{report['codes']}, {report['unanswered']} unanswered, but relud counts {dict(after)}"
    batch = 'relud_stage_duration_seconds_%s{stage="forward"}'
    return after["slow"] == 0, (
        f"{good:,} ok and {late:,} 504 at a deadline of {DEADLINE_MS} ms, each counted, none of the 504 computed; a batch takes "
        f"{1000 * seen[batch % 'sum'] / seen[batch % 'count']:.1f} ms; {after['slow']} took relud more than 100 ms; the client waited "
        f"{report['latency_ms']['max'] or 0:.0f} ms at most for 200, {report['refused_latency_ms']['max'] or 0:.0f} ms for 504")


BIG_BODY_BYTES = 8 * MIB
CAP_BYTES = 128 * MIB


def rows_body(numbers, bytes_wanted):
    """As many of the same row as the bytes hold."""
    text = json.dumps(numbers, separators=(",", ":"))
    return f'{{"inputs":[{",".join([text] * (bytes_wanted // (len(text) + 1)))}]}}'.encode()


def post_in_parts(port, body):
    """One POST of a great body that all clients share; its answer."""
    with wire.Connection(port, patience=120) as connection:
        connection.send(wire.request("/predict", b"", [f"Content-Length: {len(body)}"]))
        with contextlib.suppress(ConnectionError):  # a refusal may come, and the end with it, before all is sent
            connection.send(body)
        return connection.answer()


def post_at_once(clients, body):
    """All at once to a server with the cap: answers by code, and by how much its memory grew."""
    with server("--max-inflight-bytes", CAP_BYTES) as subject:
        rss = subject.rss()
        with watching(subject.rss, pause=0.01) as seen, concurrent.futures.ThreadPoolExecutor(clients) as pool:
            answers = list(pool.map(lambda _: post_in_parts(subject.port, body), range(clients)))
        if settled_metrics(subject)["relud_inflight_bytes"]:
            raise RuntimeError("bytes stay in flight")
        check_reference(subject)
    if len({a.body for a in answers if a.code == 200}) != 1:
        raise RuntimeError("no 200, or different ones")
    return collections.Counter(a.code for a in answers), max(value for _, value in seen) - rss


@row(5, "A", "500 bodies of 8 MB at once, a cap on the bytes in flight",
     "memory < cap + 10 % (2 caps + 10 % where a number's text has half of its float's bytes); the surplus 429")
def memory_cap():
    draw = random.Random(5)
    codes, usual = post_at_once(500, rows_body([round(255 * draw.random(), 3) for _ in range(784)], BIG_BODY_BYTES))
    dense_codes, dense = post_at_once(size(100, 500), rows_body([0] * 784, BIG_BODY_BYTES))
    held = usual < 1.1 * CAP_BYTES and dense < 2.2 * CAP_BYTES and set(codes + dense_codes) == {200, 429}
    return held, (f"cap {CAP_BYTES // MIB} MiB; {', '.join(f'{n} x {code}' for code, n in sorted(codes.items()))}: {usual / MIB:.0f} MiB more at the most; "
                  f"with numbers of 2 bytes {dense / MIB:.0f} MiB")


def churn(port, count, expected):
    """One request per connection, which the server ends; how many went otherwise than expected."""
    request, bad = wire.request("/predict", DIGIT_BODY, ["Connection: close"]), 0
    for _ in range(count):
        try:
            with wire.Connection(port) as connection:
                connection.send(request)
                answer = connection.answer()
                bad += answer.code != 200 or answer.body != expected or connection.rest() != b""
        except (OSError, EOFError, wire.Broken):
            bad += 1
    return bad


@row(6, "A", "1,000,000 connections with one request each", "0 failed, descriptors flat")
def connection_churn():
    processes, count = 4, size(20_000, 1_000_000)
    with server() as subject:
        before = subject.descriptors()
        check_reference(subject)
        expected = subject.ask("/predict", DIGIT_BODY).body
        with watching(subject.descriptors) as seen, concurrent.futures.ProcessPoolExecutor(processes) as pool:
            bad = sum(pool.map(churn, [subject.port] * processes, [count // processes] * processes, [expected] * processes))
        is_flat = wire.wait_for(lambda: subject.descriptors() == before, patience=5)
    return bad == 0 and is_flat, (f"{count:,} connections, {bad} failed; {before} descriptors before, at most {max(n for _, n in seen)} meanwhile, "
                                  f"{'as many' if is_flat else 'more'} after")


def connect_idle(port, count):
    """Connections that have had an answer and wait; fewer when descriptors run out here or there."""
    idle, request = [], wire.request("/predict", DIGIT_BODY)
    try:
        for _ in range(count):
            idle.append(wire.Connection(port, patience=10))
            idle[-1].send(request)
            if idle[-1].answer().code != 200:
                raise RuntimeError("a connection is not served")
    except OSError:
        if len(idle) < count // 4:
            raise
        idle.pop().close()
    return idle


@row(7, "A", "10,000 idle keep-alive connections", "memory < 40 KB each, p99 of others < 1.5 times", timed=True)
def idle_connections():
    wanted, rate = 10_000, healthy().rate / 2
    with server("--workers", 1, "--idle-timeout-ms", 600_000) as subject:
        alone = bench(subject, rate=rate, seconds=size(4, 30))
        rss = subject.rss()
        idle = connect_idle(subject.port, wanted)
        each = (subject.rss() - rss) / len(idle)
        beside = bench(subject, rate=rate, seconds=size(4, 30))
        connections = subject.metrics()["relud_connections"] - 1
        for connection in idle:
            connection.close()
    bad = failures(alone) + failures(beside)
    held = bad == 0 and len(idle) == wanted == connections and each < 40_000 and p99(beside) < 1.5 * p99(alone)
    return held, (f"{len(idle):,} connections, {each / 1000:.1f} KB each; p99 of others {p99(alone):.2f} ms without them, {p99(beside):.2f} ms with, "
                  f"{bad} not ok")


def serve(waiting, patience=0.5):
    """Those of the waiting connections that are answered, until no other has been for `patience` seconds."""
    served = []
    while ready := wire.readable(set(waiting) - set(served), patience):
        for connection in ready:
            if connection.answer().code != 200:
                raise RuntimeError("not 200")
        served += ready
    return served


@row(8, "A", "descriptors run out (ulimit -n 64)", "no crash, CPU < 5 % while clients wait, serves again within 1 s", timed=True)
def few_descriptors():
    clients, seconds, held, batches, first = 150, size(2, 10), True, [], 0
    with server(nofile=64) as subject:
        waiting = [wire.Connection(subject.port) for _ in range(clients)]  # the kernel's backlog keeps those that are not accepted
        for connection in waiting:
            connection.send(wire.request("/predict", DIGIT_BODY))
        served = serve(waiting)
        used, cpu = subject.descriptors(), subject.cpu_seconds()
        time.sleep(seconds)  # nothing is to happen in this time
        cpu = (subject.cpu_seconds() - cpu) / seconds
        while served:
            batches.append(len(served))
            waiting = [c for c in waiting if c not in served]
            begin = time.monotonic()
            for connection in served:
                connection.close()
            if waiting:
                held &= bool(wire.readable(waiting, 5))
                first = max(first, time.monotonic() - begin)
            served = serve(waiting) if waiting else []
    held &= not waiting and cpu < 0.05 and first < 1 and len(batches) > 1
    return held, (f"{clients} clients, served in turns of {', '.join(map(str, batches))} with {used} descriptors; CPU {100 * cpu:.1f} % while "
                  f"{clients - batches[0]} waited; the next answer {1000 * first:.0f} ms after others had left")


@row(9, "A", "single rows beside a stream of 64 rows at a time, on one worker", "p99 of the single rows < 3 times", timed=True)
def fairness():
    rows = json.loads((ROOT / "tests/data/digits-32.json").read_bytes())["inputs"]
    seconds, rate = size(4, 60), healthy().rate / 10
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder, server("--workers", 1) as subject:
        check_reference(subject)
        big = pathlib.Path(folder) / "64.json"
        big.write_text(json.dumps({"inputs": rows + rows}))
        alone = bench(subject, rate=rate, seconds=seconds, connections=8)
        most = bench(subject, body=big, seconds=2, connections=2)["answers_per_second"]
        stream = bench(subject, body=big, rate=most / 4, seconds=seconds + 1, connections=8, start=True)
        beside = bench(subject, rate=rate, seconds=seconds, connections=8)
        stream = bench_report(stream)
    bad = failures(alone) + failures(beside) + failures(stream)
    return bad == 0 and p99(beside) < 3 * p99(alone), (
        f"{rate:,.0f} single rows a second: p99 {p99(alone):.2f} ms alone, {p99(beside):.2f} ms beside {64 * stream['answers_per_second']:,.0f} rows a second, "
        f"a quarter of what relud can; {bad} not ok")


def slope_per_hour(seen):
    """Of a straight line through (seconds, value), by least squares."""
    count = len(seen)
    x0, y0 = sum(x for x, _ in seen) / count, sum(y for _, y in seen) / count
    return 3600 * sum((x - x0) * (y - y0) for x, y in seen) / sum((x - x0) ** 2 for x, _ in seen)


COUNTED = {"requests": 'relud_requests_total{endpoint="predict",code="200"}', "durations": 'relud_request_duration_seconds_count{endpoint="predict"}',
           "rows": 'relud_rows_total{model="digits",version="1"}'}


def counts(subject):
    seen = settled_metrics(subject)
    return collections.Counter({name: int(seen.get(key, 0)) for name, key in COUNTED.items()})


@row(10, "A", "soak at 0.5 B (24 h; here MINUTES)", "0 not ok, descriptors flat, counters agree, memory grows < 1 MB/h (in less than 10 minutes: < 0.5 MB)")
def soak():
    minutes, warmup = float(os.environ.get("MINUTES") or size(0.5, 30)), 5
    bodies, rows = [DIGIT_FILE] * 3 + [ROOT / "tests/data/digits-32.json"], [1, 1, 1, 32]
    with server() as subject:
        check_reference(subject)
        rate = bench(subject, body=bodies, seconds=2)["answers_per_second"] / 2
        before = counts(subject)
        load = bench(subject, body=bodies, rate=rate, seconds=60 * minutes, warmup=0, start=True)
        with watching(lambda: (subject.rss(), subject.descriptors()), pause=max(0.25, 60 * minutes / 2000)) as seen:
            report = bench_report(load)
        after = counts(subject)
    answers, bad = report["answers"], failures(report)
    after.subtract(before)
    expected = {"requests": answers, "durations": answers, "rows": answers // 4 * sum(rows) + sum(rows[:answers % 4])}
    seen = [(at, value) for at, value in seen if warmup <= at <= 60 * minutes]  # the first seconds fill the pools
    growth, slope = seen[-1][1][0] - seen[0][1][0], slope_per_hour([(at, rss) for at, (rss, _) in seen])
    descriptors = {n for _, (_, n) in seen}
    is_small = slope < 1e6 if minutes >= 10 else growth < 5e5
    held = bad == 0 and is_small and len(descriptors) == 1 and after == expected
    return held, (f"{minutes:g} minutes, {rate:,.0f} requests a second: {answers:,} answers, {bad} not ok; memory {growth / 1000:+.0f} KB, "
                  f"{slope / 1e6:+.2f} MB/h; descriptors {', '.join(map(str, sorted(descriptors)))}; "
                  + (f"requests, durations and {expected['rows']:,} rows counted" if after == expected else f"counted {dict(after)}, not {expected}"))
