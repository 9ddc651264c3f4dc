"""B. Slow and broken clients: rows 11 to 19."""
import concurrent.futures
import contextlib
import json
import select
import time

import wire
from card import ROOT, row, size
from load import MIB, healthy
from subject import DIGIT_BODY, bench, check_reference, failures, open_requests, p99, server, watching

LIMIT_SECONDS = 2


def stalled(port, count, opening, drip, every, seconds):
    """Keeps `count` connections at a request that does not end, with a `drip` on each `every` so many seconds, for so many seconds, and then until
    the last is cut: [(seconds lived, what the server said)]. Those that are not cut within a minute are left out."""
    poll, alive, cut = select.epoll(), {}, []
    end = time.monotonic() + seconds
    next_drip = time.monotonic() + every

    def enter():
        connection = wire.Connection(port)
        connection.begin, connection.said = time.monotonic(), b""
        connection.send(opening)
        alive[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)

    def look(number):
        connection = alive[number]
        with contextlib.suppress(ConnectionError):
            if said := connection.socket.recv(4096):
                connection.said += said
                return
        cut.append((time.monotonic() - connection.begin, connection.said))
        del alive[number]
        connection.close()

    for _ in range(count):
        enter()
    while alive and time.monotonic() < end + 60:
        for number, _ in poll.poll(0.05):
            look(number)
        while len(alive) < count and time.monotonic() < end:
            enter()
        if time.monotonic() >= next_drip:
            next_drip += every
            for connection in alive.values():
                with contextlib.suppress(ConnectionError):
                    connection.send(drip)
    return cut


def cut_report(cut, expected):
    """Whether `expected` connections or more were cut with 408, none before its time and none later than a second after; and how it was."""
    lives = [lived for lived, _ in cut]
    with_408 = sum(said.startswith(b"HTTP/1.1 408 ") for _, said in cut)
    held = len(cut) >= expected and with_408 == len(cut) and LIMIT_SECONDS - 0.1 <= min(lives) and max(lives) <= LIMIT_SECONDS + 1
    return held, f"{len(cut):,} connections, all cut {min(lives):.1f} to {max(lives):.1f} s after they began, {with_408:,} with 408"


@row(11, "B", "slowloris: 2,000 connections whose headers never end", "all cut at the limit + 1 s at most; p99 of others < 2 times", timed=True)
def slow_headers():
    count, seconds, rate = 2000, size(6, 60), healthy().rate / 4
    with server("--workers", 1, "--header-timeout-ms", 1000 * LIMIT_SECONDS) as subject, concurrent.futures.ThreadPoolExecutor(1) as pool:
        check_reference(subject)
        alone = bench(subject, rate=rate, seconds=4)
        crowd = pool.submit(stalled, subject.port, count, b"POST /predict HTTP/1.1\r\nHost: relud\r\n", b"X-Slow: 1\r\n", 0.5, seconds + 1)
        wire.wait_for(lambda: subject.metrics()["relud_connections"] > count, patience=10)
        beside = bench(subject, rate=rate, seconds=seconds - 1)
        held, words = cut_report(crowd.result(), count)
    bad = failures(alone) + failures(beside)
    return held and bad == 0 and p99(beside) < 2 * p99(alone), (
        f"{words}, limit {LIMIT_SECONDS} s; p99 of others {p99(alone):.2f} ms without them, {p99(beside):.2f} ms with, {bad} not ok")


@row(12, "B", "a body that drips a byte a second", "cut at the body's limit + 1 s at most, although active")
def slow_bodies():
    count = size(300, 2000)
    opening = wire.request("/predict", b"{", ["Content-Length: 100000"])
    with server("--body-timeout-ms", 1000 * LIMIT_SECONDS) as subject:
        held, words = cut_report(stalled(subject.port, count, opening, b" ", 1, size(0, 60)), count)
        check_reference(subject)
    return held, f"{words}, limit {LIMIT_SECONDS} s"


CAP_BYTES = 64 * MIB


@row(13, "B", "1,000 clients that read a byte a second of great answers", "memory < cap + 100 KB a connection; all cut; others are served meanwhile")
def slow_readers():
    clients, patience = 1000, 20
    rows = json.loads((ROOT / "tests/data/digits-32.json").read_bytes())["inputs"]
    body = json.dumps({"inputs": rows * 6, "activations": True}).encode()
    request = wire.request("/predict", body)
    with server("--max-inflight-bytes", CAP_BYTES, "--idle-timeout-ms", 1000 * LIMIT_SECONDS) as subject:
        check_reference(subject)
        answer = len(subject.ask("/predict", body).body)
        rss = subject.rss()
        begin = time.monotonic()
        with watching(subject.rss) as seen:
            crowd = [wire.Connection(subject.port, receive_bytes=4096) for _ in range(clients)]
            for connection in crowd:
                connection.send(request)
            while time.monotonic() < begin + patience and subject.metrics()["relud_connections"] > 1:
                check_reference(subject)
                time.sleep(1)
                for connection in crowd:
                    with contextlib.suppress(OSError):
                        connection.socket.recv(1)
        took = time.monotonic() - begin
        left = int(subject.metrics()["relud_connections"]) - 1
        refused = int(subject.metrics()['relud_rejected_total{reason="inflight_bytes"}'])
        for connection in crowd:
            connection.close()
    more = max(value for _, value in seen) - rss
    return left == 0 and more < CAP_BYTES + clients * 100_000, (
        f"answers of {answer / MIB:.1f} MiB, cap {CAP_BYTES // MIB} MiB: at most {more / MIB:.0f} MiB more than before, {refused} refused; "
        f"{left} left after {took:.0f} s")
