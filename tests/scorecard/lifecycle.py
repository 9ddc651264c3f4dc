"""G. Lifecycle: rows 46 to 52."""
import contextlib
import email.utils
import fcntl
import glob
import os
import pathlib
import random
import signal
import socket
import sys
import tempfile
import threading
import time

import wire
from card import NotRun, row, size
from subject import DIGIT_BODY, DIGITS, RELUD, Server, bench, bench_report, failures, free_port, sanitized, server, wide_model

ASK = wire.request("/predict", DIGIT_BODY)


# ---- 46, 49: clients that stay while servers go ----

class Client(threading.Thread):
    """Asks on one connection as long as it may, then on the next, until it is refused or told to end. Counts what became of each request:
    `failed` ones were cut short or answered otherwise; `idle_closed` found a connection closed that had been answered on before; `refused`
    ones got no connection, or one that the kernel had made and nobody accepted (of these: `reset`), the first of them at `refused_at`."""

    def __init__(self, port, expected, pause=0.0, keeps=True):
        super().__init__(daemon=True)
        self.port, self.expected, self.pause, self.keeps = port, expected, pause, keeps
        self.answers = self.failed = self.idle_closed = self.reset = self.refused = 0
        self.is_over, self.first_failure, self.refused_at = False, "", float("inf")

    def fail(self, why):
        self.failed += 1
        self.first_failure = self.first_failure or repr(why)

    def refuse(self):
        self.refused += 1
        self.refused_at = min(self.refused_at, time.monotonic())

    def run(self):
        draw = random.Random(id(self))
        while not self.is_over:
            try:
                connection = wire.Connection(self.port)
            except OSError:
                return self.refuse()
            with connection:
                self.ask_on(connection, draw)

    def ask_on(self, connection, draw):
        asked = 0
        while not self.is_over:
            try:
                connection.send(ASK)
                answer = connection.answer()
            except (EOFError, BrokenPipeError, ConnectionResetError):
                if asked:
                    self.idle_closed += 1
                else:
                    self.reset += 1
                    self.refuse()
                return
            except Exception as why:
                return self.fail(why)
            if answer.code != 200 or answer.body != self.expected:
                return self.fail(answer)
            self.answers += 1
            asked += 1
            if not self.keeps or answer.headers.get("connection") == "close":
                return
            time.sleep(draw.uniform(0, self.pause))


def start_clients(clients):
    for client in clients:
        client.start()
    if not wire.wait_for(lambda: all(client.answers or client.failed for client in clients)):
        raise RuntimeError("not every client gets an answer")


def sum_of(clients, name):
    return sum(getattr(client, name) for client in clients)


def stop_at_full_load(delay):
    """One SIGTERM under as much load as there can be: the clients, the exit status and the seconds it took; and the load's report."""
    subject = Server("--workers", "2", "--drain-seconds", "10", "--drain-delay-seconds", delay)
    expected = subject.ask("/predict", DIGIT_BODY).body
    clients = [Client(subject.port, expected) for _ in range(8)] + [Client(subject.port, expected, pause=0.4) for _ in range(24)]
    load = bench(subject, seconds=delay + 1, warmup=0, start=True)
    start_clients(clients)
    if not wire.wait_for(lambda: subject.metrics()["relud_connections"] > 32 + len(clients) * 3 // 4):
        raise RuntimeError("the load does not begin")
    begin = time.monotonic()
    subject.signal(signal.SIGTERM)
    is_grace_kept = not delay or grace_is_kept(subject)
    status = subject.wait()
    took = time.monotonic() - begin
    for client in clients:
        client.join(60)
    report = bench_report(load)
    is_grace_kept &= min(client.refused_at for client in clients) >= begin + delay
    return clients, report, status == 0 and took < delay + 5 and is_grace_kept, took


def grace_is_kept(subject):
    """While it only says that it will go, /readyz is 503 and new connections are served, which are told to end."""
    if not wire.wait_for(lambda: subject.ask("/readyz").code == 503, patience=5):
        return False
    answer = subject.ask("/predict", DIGIT_BODY)
    return answer.code == 200 and answer.headers.get("connection") == "close"


@row(46, "G", "SIGTERM at full load", "0 failed on live connections, exit 0 in time, refusals only after readiness and grace")
def stop_under_load():
    times = size(5, 50)
    lines, is_held = [], True
    for delay in (1, 0):
        answers = failed = idle_closed = reset = bad_exits = cut = 0
        longest, why = 0, ""
        for _ in range(times):
            clients, report, is_right, took = stop_at_full_load(delay)
            answers += sum_of(clients, "answers") + report["answers"]
            failed += sum_of(clients, "failed") + report["not_2xx"] + report["different"]
            idle_closed += sum_of(clients, "idle_closed")
            reset += sum_of(clients, "reset")
            cut += report["broken_connections"]
            bad_exits += not is_right
            longest = max(longest, took)
            why = why or next((client.first_failure for client in clients if client.failed), "")
        is_held &= failed == 0 and bad_exits == 0 and (not delay or idle_closed == 0 and cut == 0)
        lines.append(f"{times}x with {delay} s of grace: {answers:,} answers, {failed} failed{' ' + why[:60] if why else ''}, {idle_closed} closed while idle, "
                     f"{reset} reset in the backlog, {cut} of the load's cut, {bad_exits} wrong exits, {longest:.1f} s at the most")
    return is_held, "; ".join(lines)


# ---- 47: a batch that does not end ----

def stop_while_stuck(model, suspend):
    """(waiting, exit status, seconds) of a SIGTERM while a thousand requests wait behind a batch that takes longer than there is time."""
    connections = 1000
    body = random.Random(47).randbytes(4 * 784 * 20 // 2)
    body = b"".join(body[i:i + 2] + b"\x00\x3f" for i in range(0, len(body), 2))  # float32 from 0.5 to 0.50781
    request = wire.request("/predict", body, ["Content-Type: application/octet-stream"])
    subject = Server("--workers", "1", "--suspend", suspend, "--drain-seconds", "1", models=[model])
    with contextlib.ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(wire.Connection(subject.port)).send(request)
        waiting = int(subject.metrics()["relud_inflight_requests"])
        begin = time.monotonic()
        subject.signal(signal.SIGTERM)
        status = subject.wait()
        return waiting, status, time.monotonic() - begin


@row(47, "G", "SIGTERM with 1,000 requests behind a stuck batch", "exit within the deadline (1 s) and a turn, no abort", timed=True)
def stop_stuck():
    lines, is_held = [], True
    with tempfile.TemporaryDirectory(prefix="relud-") as root:
        model = wide_model(root, widths=(784, 4096, 4096, 10))
        for suspend in ("always", "auto"):
            waiting, status, took = stop_while_stuck(model, suspend)
            is_held &= waiting > 500 and status == 0 and 0.9 < took < 4
            lines.append(f"--suspend {suspend}: {waiting} waiting, exit status {status} after {took:.1f} s")
    return is_held, "; ".join(lines)


# ---- 48: kill -9 ----

@row(48, "G", "kill -9 and restart on the same port", "listening again within 200 ms, nothing of the old", timed=True)
def kill_and_restart():
    times = size(10, 100)
    port = free_port()
    subject = Server(port=port)
    expected = subject.ask("/predict", DIGIT_BODY).body
    took, wrong = [], 0
    for _ in range(times):
        with wire.Connection(port) as left:  # connections that the kernel has still to end do not stand in the way
            left.send(ASK)
            left.answer()
            subject.signal(signal.SIGKILL)
            subject.process.wait(60)
            subject.log_path.unlink()
            begin = time.monotonic()
            subject = Server(port=port)
            took.append(time.monotonic() - begin)
        asked = subject.metrics()['relud_requests_total{endpoint="predict",code="200"}']
        wrong += asked != 0 or subject.ask("/predict", DIGIT_BODY).body != expected
    if subject.stop() != 0 or wrong:
        return False, f"{wrong} of {times} were not as new"
    return max(took) < 0.2, f"{times} times: {sorted(took)[times // 2] * 1000:.0f} ms, {max(took) * 1000:.0f} ms at the most"


# ---- 49: hand-over ----

# As a supervisor does it: the socket is descriptor 3, and the program is told that it is meant.
HAND_OVER = """import os, sys
fd = int(sys.argv[1])
os.dup2(fd, 3) if fd != 3 else None
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])"""


def successor(listener):
    return Server("--workers", "2", command=[sys.executable, "-c", HAND_OVER, str(listener.fileno()), RELUD], pass_fds=[listener.fileno()])


@row(49, "G", "rolling restart with socket hand-over", "0 refused, 0 failed")
def hand_over():
    times = size(6, 60)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        subject = successor(listener)
        expected = subject.ask("/predict", DIGIT_BODY).body
        clients = [Client(port, expected, keeps=False) for _ in range(4)] + [Client(port, expected) for _ in range(2)]
        start_clients(clients)
        bad_exits = 0
        for _ in range(times):
            old, subject = subject, successor(listener)
            bad_exits += old.stop() != 0
        for client in clients:
            client.is_over = True
        for client in clients:
            client.join(60)
        bad_exits += subject.stop() != 0
    names = ("answers", "refused", "failed", "reset", "idle_closed")
    answers, refused, failed, reset, idle_closed = (sum_of(clients, name) for name in names)
    return (refused == failed == reset == idle_closed == bad_exits == 0 and answers > 100 * times,
            f"{times} successions, {answers:,} answers, {refused} refused, {failed + reset} failed, {idle_closed} closed while idle, {bad_exits} wrong exits")


# ---- 50: again and again ----

def start_and_stop(times, **more):
    """How many of them did not answer, or did not end with 0 (a leak that LeakSanitizer sees is such an end)."""
    wrong = 0
    for _ in range(times):
        subject = Server(**more)
        wrong += subject.ask("/predict", DIGIT_BODY).code != 200
        wrong += subject.stop() != 0
    return wrong


@row(50, "G", "started and stopped again and again", "every one answers and exits 0; LeakSanitizer 0 bytes")
def again():
    times, sanitized_times = size(20, 1000), size(3, 100)
    wrong = start_and_stop(times)
    try:
        leaks = start_and_stop(sanitized_times, command=sanitized())
        words = f"{sanitized_times} with LeakSanitizer: {leaks} reports"
    except NotRun as why:
        leaks, words = 0, f"without LeakSanitizer: {why}"
    return wrong == 0 and leaks == 0, f"{times} times, {wrong} wrong; {words}"


# ---- 51: the clock ----

class FakeClock:
    """A server whose wall clock is moved while it runs, CLOCK_MONOTONIC left alone."""

    def __init__(self, root):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            raise NotRun("faketime is not installed")
        self.file = pathlib.Path(root) / "clock"
        self.set("+0")
        self.env = {"LD_PRELOAD": found[0], "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1", "FAKETIME_TIMESTAMP_FILE": str(self.file),
                    "TZ": "UTC"}

    def set(self, text):
        part = self.file.with_suffix(".new")
        part.write_text(text + "\n")
        part.rename(self.file)


def time_of(subject):
    """What the server takes for now."""
    return email.utils.parsedate_to_datetime(subject.ask("/healthz").headers["date"]).timestamp()


def jump_within_deadlines(subject, clock, text):
    """What was not as it should be while the clock jumped: words, none when all was right."""
    wrong = []
    with wire.Connection(subject.port) as idle, wire.Connection(subject.port) as half, wire.Connection(subject.port) as patient, \
            wire.Connection(subject.port) as hasty:
        begin = time.monotonic()
        idle.send(wire.request("/healthz"))
        idle.answer()
        half.send(ASK[:20])
        patient.send(wire.request("/predict", DIGIT_BODY, ["X-Request-Timeout-Ms: 60000"]))
        hasty.send(wire.request("/predict", DIGIT_BODY, ["X-Request-Timeout-Ms: 50"]))
        clock.set(text)
        codes = patient.answer().code, hasty.answer().code
        if codes != (200, 504):
            wrong.append(f"time limits of requests: {codes} for 200, 504")
        for name, connection, limit in (("headers", half, 1), ("idle", idle, 2)):
            connection.rest()
            took = time.monotonic() - begin
            if not limit * 0.95 < took < limit + 3:
                wrong.append(f"{name}: {took:.1f} s for {limit} s")
    return [f"{text}: {words}" for words in wrong]


@row(51, "G", "the wall clock jumps by an hour each way, and into 2038", "deadlines unaffected", timed=True)
def clock_jumps():
    wrong, jumps = [], {"+1h": 3600, "-1h": -3600, "@2038-01-19 03:14:05": None, "@2038-01-19 03:14:09": None, "+0": 0}
    with tempfile.TemporaryDirectory(prefix="relud-") as root:
        clock = FakeClock(root)
        limits = ["--header-timeout-ms", "1000", "--idle-timeout-ms", "2000", "--batch-delay-us", "300000"]
        with server(*limits, env=clock.env) as subject:
            for text, shift in jumps.items():
                wrong += jump_within_deadlines(subject, clock, text)
                seen, wanted = time_of(subject), 1 << 31 if shift is None else time.time() + shift
                if abs(seen - wanted) > 60:
                    raise RuntimeError(f"the clock did not go to {text}: it is at {seen:.0f}, {wanted:.0f} was meant")
            clock.set("+1h")
            begin = time.monotonic()
            subject.signal(signal.SIGTERM)
            subject.process.wait(60)
            if time.monotonic() - begin > 5:
                wrong.append("the end took its time")
    return not wrong, f"{len(jumps)} jumps, {4 * len(jumps)} deadlines across them, {len(wrong)} wrong{': ' + wrong[0] if wrong else ''}"


# ---- 52: the log ----

# At --log-level debug each makes one line or two, of some 200 bytes.
ODD = b"POST /relu HTTP/1.1\r\nHost: relud\r\nContent-Length: x\r\n\r\n"


def serve_on(stderr, odd):
    """(failed, lines left out) of a server that has much to say to that file."""
    with server("--workers", "2", "--log-level", "debug", stderr=stderr, port=free_port()) as subject:
        load = bench(subject, seconds=size(2, 20), start=True)
        failed = 0
        for _ in range(odd):
            with wire.Connection(subject.port, patience=10) as connection:
                connection.send(ODD)
                failed += connection.answer().code != 400
        failed += failures(bench_report(load))
        return failed, int(subject.metrics()["relud_log_dropped_total"])


@row(52, "G", "log pipe that nobody reads, whose reader has gone, that is full", "serving continues, lines left out are counted")
def blocked_log():
    odd = size(1000, 20000)
    lines, is_held = [], True
    for name in ("unread", "gone"):
        reader, writer = os.pipe()
        room = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
        if name == "gone":
            os.close(reader)
        failed, dropped = serve_on(writer, odd)
        os.close(writer)
        if name == "unread":
            held_back = len(os.read(reader, room))
            os.close(reader)
            is_held &= held_back > room // 2  # it was full indeed
        is_held &= failed == 0 and dropped > odd // 4
        lines.append(f"{name}: {odd:,} requests that are logged, {failed} failed, {dropped:,} lines left out")
    return is_held, "; ".join(lines)
