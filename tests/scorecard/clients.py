"""B. Slow and broken clients: rows 11 to 19."""
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import pathlib
import random
import select
import socket
import struct
import tempfile
import time

import wire
from card import IS_LONG, ROOT, row, size
from load import MIB, healthy
from subject import DIGIT_BODY, bench, check_reference, failures, open_requests, p99, sanitized, server, small_model, watching

LIMIT_SECONDS = 2


def stalled(port, count, opening, drip, every, seconds, a_second=1000):
    """Opens `a_second` connections until there are `count` and keeps so many at a request that does not end, with a `drip` on each `every` so many seconds, for so many seconds, and then until
    the last is cut: [(seconds lived, what the server said)]. Those that are not cut within a minute are left out."""
    poll, alive, cut, to_drip = select.epoll(), {}, [], collections.deque()
    end = time.monotonic() + seconds

    def enter():
        connection = wire.Connection(port)
        connection.begin, connection.said = time.monotonic(), b""
        connection.send(opening)
        alive[connection.socket.fileno()] = connection
        to_drip.append((connection.begin + every, connection))
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

    def drip_next():
        due, connection = to_drip.popleft()
        with contextlib.suppress(OSError):  # it may have been cut
            connection.send(drip)
            to_drip.append((due + every, connection))

    begin, entered = time.monotonic(), 0
    while (alive or not entered) and time.monotonic() < end + 60:
        for number, _ in poll.poll(0.01):
            look(number)
        while len(alive) < count and entered < (time.monotonic() - begin + 0.01) * a_second and (time.monotonic() < end or entered < count):
            enter()
            entered += 1
        while to_drip and to_drip[0][0] <= time.monotonic():
            drip_next()
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
    with server("--workers", 1, "--header-timeout-ms", 1000 * LIMIT_SECONDS) as subject, concurrent.futures.ThreadPoolExecutor(1, initializer=wire.give_way) as pool:
        check_reference(subject)
        alone = bench(subject, rate=rate, seconds=4)
        crowd = pool.submit(stalled, subject.port, count, b"POST /predict HTTP/1.1\r\nHost: relud\r\n", b"X-Slow: 1\r\n", 0.5, seconds + 1)
        wire.wait_for(lambda: subject.metrics()["relud_connections"] > count, patience=10)
        beside = bench(subject, rate=rate, seconds=seconds - 1)
        held, words = cut_report(crowd.result(), count)
    bad = failures(alone) + failures(beside)
    return held and bad == 0 and p99(beside) < 2 * p99(alone), (
        f"{words}, limit {LIMIT_SECONDS} s; p99 of others {p99(alone):.2f} ms without them, {p99(beside):.2f} ms with, {bad} not ok")


@row(12, "B", "a body that drips a byte a second", "cut at the body's limit + 1 s at most, although active", timed=True)
def slow_bodies():
    count = size(300, 2000)
    opening = wire.request("/predict", b"{", ["Content-Length: 100000"])
    with server("--body-timeout-ms", 1000 * LIMIT_SECONDS) as subject:
        held, words = cut_report(stalled(subject.port, count, opening, b" ", 1, size(0, 60)), count)
        check_reference(subject)
    return held, f"{words}, limit {LIMIT_SECONDS} s"


CAP_BYTES = 64 * MIB


@row(13, "B", "1,000 clients that read a byte a second of great answers", "memory < cap + 100 KB a connection; all cut; others are served meanwhile", timed=True)
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


def leave(connection, is_reset):
    """close(), which says FIN where nothing is unread; or RST."""
    if is_reset:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


FATES = {"computed": 'relud_rows_total{model="digits",version="1"}', "gone": 'relud_rejected_total{reason="gone"}',
         "answered": 'relud_requests_total{endpoint="predict",code="200"}'}


def leave_while_queued(subject, count, is_reset):
    """So many clients at once that leave while their rows wait for company; waits until nothing of them is open."""
    crowd = [wire.Connection(subject.port) for _ in range(count)]
    for connection in crowd:
        connection.send(wire.request("/predict", DIGIT_BODY))
    if not wire.wait_for(lambda: open_requests(subject) == count, patience=5):
        raise RuntimeError("the requests do not wait for each other")
    for connection in crowd:
        leave(connection, is_reset)
    if not wire.wait_for(lambda: open_requests(subject) == 0 and subject.metrics()["relud_connections"] == 1, patience=30):
        raise RuntimeError("requests or connections stay open")


def gone_while_queued(count, is_reset, command=None):
    """Counts of what became of `count` clients, five hundred at a time, and of what they left behind."""
    at_once, warm = 500, 3  # the first rounds fill the pools
    with server("--workers", 1, "--batch-delay-us", 1_000_000, "--max-batch", 4000, command=command) as subject:
        descriptors = subject.descriptors()
        for _ in range(warm):
            leave_while_queued(subject, at_once, is_reset)
        before, rss = subject.metrics(), subject.rss()
        for _ in range(count // at_once):
            leave_while_queued(subject, at_once, is_reset)
        after = subject.metrics()
        left = {fate: int(after.get(name, 0) - before.get(name, 0)) for fate, name in FATES.items()}
        wire.wait_for(lambda: subject.descriptors() <= descriptors, patience=5)
        left.update(bytes=subject.rss() - rss, descriptors=subject.descriptors() - descriptors)
        check_reference(subject)
    return left


def is_clean(left, count):
    """Each client counted once, no descriptors left behind, and no memory: less than 16 bytes of each, or what a pool takes."""
    return left["gone"] + left["answered"] == count and left["bytes"] < max(16 * count, 2 * MIB) and left["descriptors"] == 0


def left_words(left):
    return (f"{left['computed']:,} computed, {left['gone']:,} counted as gone, {left['answered']:,} as answered; memory {left['bytes'] / 1000:+.0f} KB, "
            f"descriptors {left['descriptors']:+d}")


@row(14, "B", "100,000 clients that say FIN while queued", "each counted (a FIN may be a half-close, whose row is wanted); nothing left")
def end_while_queued():
    count = size(2000, 100_000)
    left = gone_while_queued(count, is_reset=False)
    return is_clean(left, count), f"{count:,} clients: {left_words(left)}"


@row(15, "B", "100,000 clients that say RST while queued", "dropped before they are computed, each counted; nothing left; the same under ASan")
def reset_while_queued():
    count, command = size(2000, 100_000), sanitized(is_needed=False)
    left = gone_while_queued(count, is_reset=True)
    held = is_clean(left, count) and left["computed"] < count / 10
    words = f"{count:,} clients: {left_words(left)}"
    if not command:
        return held and not IS_LONG, f"{words}; no build with ASan here (make sanitize)"
    count = size(1000, 20_000)
    watched = gone_while_queued(count, is_reset=True, command=command)  # what ASan finds ends the server with another status than 0
    held &= watched["gone"] + watched["answered"] == count
    return held, f"{words}; {count:,} under ASan and UBSan, which found nothing"


def families(model="digits"):
    """A small request to each kind of endpoint, by name."""
    relu = json.dumps({"input": [[-1, 0, 2.5]], "activation": "elu", "gradient": True}).encode()
    row_of = [round(0.25 * i - 1, 2) for i in range(4)]
    infer = {"id": "7", "inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": row_of}]}
    chunked = b"9\r\n" + b'{"inputs"' + b"\r\n14\r\n" + b":[[0.5,1,-1.25,3.5]]" + b"\r\n1;x=y\r\n}\r\n0\r\n\r\n"
    return {
        "relu": wire.request("/relu", relu),
        "predict": wire.request("/predict", json.dumps({"inputs": [row_of], "model": model}).encode()),
        "predict in chunks": wire.request("/predict", chunked, ["Transfer-Encoding: chunked"]),
        "predict in binary": wire.request("/predict", struct.pack("<4f", *row_of), ["Content-Type: application/octet-stream"]),
        "v2 infer": wire.request(f"/v2/models/{model}/infer", json.dumps(infer).encode()),
        "v1 predict": wire.request(f"/v1/models/{model}:predict", json.dumps({"instances": [row_of]}).encode()),
        "v2 metadata": wire.request(f"/v2/models/{model}"),
        "health": wire.request("/healthz"),
        "an error": wire.request("/predict", b'{"inputs": [[1, 2]]}'),
    }


def essence(answer):
    return answer.code, answer.body, answer.headers.get("content-type")


@contextlib.contextmanager
def small_server(*options):
    """One worker with a net of four features, and the answers that it gives to `families` when nothing is odd."""
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder:
        with server("--workers", 1, *options, models=[small_model(folder, weights=(0.5, -0.25, 0.125, 2.0))]) as subject:
            requests, expected = families("small"), {}
            for name, data in requests.items():
                with wire.Connection(subject.port) as connection:
                    connection.send(data)
                    expected[name] = essence(connection.answer())
                if expected[name][0] != (400 if name == "an error" else 200):
                    raise RuntimeError(f"{name}: {expected[name]}")
            yield subject, requests, expected


@row(16, "B", "half-close after the request", "answer delivered, then the end")
def half_close():
    rounds, bad = size(10, 1000), []
    with small_server("--batch-delay-us", 2000) as (subject, requests, expected):
        requests["predict of 320 KB"] = wire.request("/predict", json.dumps({"inputs": [[0.5, 1, -1.25, 3.5]] * 20_000}).encode())
        expected["predict of 320 KB"] = essence(subject.ask("/predict", requests["predict of 320 KB"].partition(b"\r\n\r\n")[2]))
        names = [name for name in requests for _ in range(5)]
        for _ in range(rounds):
            crowd = [wire.Connection(subject.port) for _ in names]
            for name, connection in zip(names, crowd):
                connection.send(requests[name])
                connection.socket.shutdown(socket.SHUT_WR)
            for name, connection in zip(names, crowd):
                if essence(connection.answer()) != expected[name] or not connection.is_closed():
                    bad.append(name)
                connection.close()
    return not bad, (f"{rounds * len(names):,} requests of {len(requests)} kinds, up to 320 KB: {len(bad)} without their answer and the end after it "
                     f"{' '.join(sorted(set(bad)))}".rstrip())


def pipeline(subject, requests, order):
    """The requests sent in one go, each with its number; how many answers are not the ones expected, in this order."""
    data = b"".join(requests[which][0].replace(b"Host: relud", b"Host: relud\r\nX-Request-Id: %d" % i) for i, which in enumerate(order))
    bad = 0
    with wire.Connection(subject.port) as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(connection.send, data)
        for i, which in enumerate(order):
            answer = connection.answer()
            bad += essence(answer) != requests[which][1] or answer.headers.get("x-request-id") != str(i)
        sent.result()
    return bad


@row(17, "B", "pipelines of 100 requests of mixed sizes, 100,000 in all", "order and bits right")
def pipelining():
    count, depth, bad, draw = size(10_000, 100_000), 100, 0, random.Random(17)
    layered = json.dumps({**json.loads(DIGIT_BODY), "top_k": 10, "activations": True}).encode()
    bodies = [DIGIT_BODY, (ROOT / "tests/data/digits-32.json").read_bytes(), layered, b'{"inputs":[[1]]}']
    with server() as subject:
        check_reference(subject)
        requests = [(wire.request("/predict", body), essence(subject.ask("/predict", body))) for body in bodies]
        requests += [(wire.request(path), essence(subject.ask(path))) for path in ("/healthz", "/v2/models/digits", "/nowhere")]
        for _ in range(count // depth):
            bad += pipeline(subject, requests, [draw.randrange(len(requests)) for _ in range(depth)])
    return bad == 0, f"{count:,} requests in {count // depth:,} pipelines: {bad} answers wrong or out of order"


def flush(subject):
    """Returns when the server, which has one worker, has read what was sent before: its loop has gone round twice since."""
    subject.ask("/healthz")
    subject.ask("/healthz")


def answers_of_pieces(subject, data, cuts):
    """A connection for each list of cuts: the request in pieces that end there, each read by the server before the next is sent."""
    crowd = [(wire.Connection(subject.port), [0, *where, len(data)]) for where in cuts]
    for turn in range(max(len(ends) for _, ends in crowd) - 1):
        for connection, ends in crowd:
            if turn + 1 < len(ends):
                connection.send(data[ends[turn]:ends[turn + 1]])
        flush(subject)
    answers = []
    for connection, _ in crowd:
        answers.append(essence(connection.answer()))
        connection.close()
    return answers


@row(18, "B", "requests in pieces: cut at every byte, and byte by byte", "every split gives the same answer, on all endpoints")
def split_requests():
    count, bad = 0, []
    with small_server() as (subject, requests, expected):
        for name, data in requests.items():
            singly = [[cut] for cut in range(1, len(data))]
            doubly = [[a, b] for a in range(1, len(data)) for b in range(a + 1, len(data))] if IS_LONG else []
            cuts = singly + [list(range(1, len(data)))] + doubly
            for begin in range(0, len(cuts), 500):
                answers = answers_of_pieces(subject, data, cuts[begin:begin + 500])
                count += len(answers)
                bad += [name for answer in answers if answer != expected[name]]
    return not bad, f"{count:,} ways to cut {len(requests)} requests: {len(bad)} other answers {' '.join(sorted(set(bad)))}".rstrip()


def expect_answers(port, path, body, headers):
    """Codes of what comes after the headers of a request that expects 100, and, when that is 100, after its body."""
    with wire.Connection(port) as connection:
        request = wire.request(path, b"", [f"Content-Length: {len(body)}", "Expect: 100-continue", *headers])
        connection.send(request)
        codes = [connection.answer(skip_continue=False).code]
        if codes == [100]:
            connection.send(body)
            codes.append(connection.answer(skip_continue=False).code)
        return codes


@row(19, "B", "Expect: 100-continue, accepted and refused", "100 then the answer; 401, 404, 405, 413 without a 100")
def expectations():
    key, body, rounds = "Z" * 32, DIGIT_BODY, size(50, 1000)
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder:
        keys = pathlib.Path(folder) / "keys"
        keys.write_text(f"card infer sha256:{hashlib.sha256(key.encode()).hexdigest()}\n")
        with server("--api-keys", keys, "--max-body", 100_000) as subject:
            good = [f"X-Api-Key: {key}"]
            cases = [("/predict", body, good, [100, 200]), ("/predict", b"{", good, [100, 400]),
                     ("/nowhere", body, good, [404]), ("/healthz", body, good, [405]), ("/predict", bytes(100_001), good, [413])] * rounds
            cases += [("/predict", body, [], [401])] * 15  # of more in a second, some are 429
            seen = collections.Counter()
            for path, data, headers, wanted in cases:
                seen[" ".join(map(str, expect_answers(subject.port, path, data, headers))), " ".join(map(str, wanted))] += 1
    bad = {f"{got} for {wanted}": n for (got, wanted), n in seen.items() if got != wanted}
    return not bad, ", ".join(f"{n} x {got}" for (got, _), n in seen.items()) + (f"; wrong: {bad}" if bad else "; none wrong")
