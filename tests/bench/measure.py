"""Processes to be measured, one awake at a time, and what they use."""
import contextlib
import json
import os
import pathlib
import signal
import ssl
import statistics
import subprocess
import time
import urllib.error
import urllib.request

from contestants import ROOT, WORK, Missing

TICKS = os.sysconf("SC_CLK_TCK")


def spread(values):
    """Half of the way from the least to the greatest, as a share of the median: what ± says."""
    values = list(values)
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / abs(middle) if middle else 0


def tree(pid):
    """pid and all its descendants."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except OSError:
                pass
    return found


class Server:
    """A contestant running on a model, asleep except inside `with`."""

    def __init__(self, contestant, port, model, net, rows, patience_s=120, scheme="http"):
        self.contestant, self.net = contestant, net
        self.url = f"{scheme}://127.0.0.1:{port}{contestant.path(net)}"
        command = contestant.command(port, model)
        begin = time.monotonic()
        self.log = open(WORK / f"{contestant.name}.log", "wb")
        self.process = subprocess.Popen(command, cwd=WORK, stdout=self.log, stderr=self.log, start_new_session=True,
                                        env={**os.environ, **contestant.environment})
        try:
            self.wait(contestant.body(rows), begin + patience_s)
        except Missing:
            self.stop()
            raise
        self.ready_s = time.monotonic() - begin
        self.sleep()

    def wait(self, body, until):
        while True:
            try:
                request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=20, context=ssl._create_unverified_context()) as answer:
                    self.answer = answer.read()
                    return
            except (OSError, urllib.error.HTTPError) as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    words = error.read()[:200] if isinstance(error, urllib.error.HTTPError) else error
                    raise Missing(f"does not answer: {words}; see build/bench/{self.contestant.name}.log") from None
                time.sleep(0.002 if self.contestant.kind != "peer" else 0.05)

    def pids(self):
        return tree(self.process.pid)

    def signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except OSError:
                pass

    def __enter__(self):
        self.signal(signal.SIGCONT)
        return self

    def __exit__(self, *_):
        self.sleep()

    def sleep(self):
        if self.contestant.may_sleep:
            self.signal(signal.SIGSTOP)

    def stop(self):
        pids = self.pids()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        self.process.wait()
        self.log.close()

    def cpu_s(self):
        total = 0
        for pid in self.pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / TICKS

    def memory_mb(self):
        """Resident; pages that several of its processes share count once."""
        total = 0
        for pid in self.pids():
            try:
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total / 1024


def write_bodies(folder, bodies):
    """Files for relud bench; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, body in enumerate(bodies):
        paths.append(folder / f"{i}")
        paths[-1].write_bytes(body)
    return paths


def load(server, bodies, connections, seconds, rate=0, headers=(), sleeps=True, is_urgent=False):
    """relud bench on it: its report, and the CPU seconds that the server took for each answer. sleeps: it is asleep before and afterwards.
    is_urgent: where root measures, the load goes before the server on the CPUs that they share, so that the tail is the server's."""
    urgent = ["nice", "-n", "-15"] if is_urgent and os.geteuid() == 0 else []
    command = [*urgent, str(ROOT / "build/relud"), "bench", server.url, "--connections", str(connections), "--seconds", str(seconds),
               "--warmup", str(min(0.5, seconds / 4)), "--rate", f"{rate:g}", "--format", "json"]
    for body in bodies:
        command += ["--body", str(body)]
    for header in headers:
        command += ["--header", header]
    with server if sleeps else contextlib.nullcontext():
        before = server.cpu_s()
        result = subprocess.run(command, capture_output=True, text=True)
        used = server.cpu_s() - before
    if not result.stdout:
        raise Missing(result.stderr.strip())
    report = json.loads(result.stdout)
    if not report["answers"]:  # so slow: a longer look
        if seconds > 20:
            raise Missing(f"answers nothing within {seconds:g} s")
        return load(server, bodies, connections, 5 * seconds, rate, headers, sleeps, is_urgent)
    total = report["answers"] * (1 + min(0.5, seconds / 4) / seconds)  # the warm-up's too
    report["cpu_s_per_1000"] = used / total * 1000 if total else 0
    return report
