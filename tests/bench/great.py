"""Great requests: thousands of rows in one body of raw float32, over one connection, one after the other."""
import array
import http.client
import os
import re
import statistics
import threading
import time

HEADERS = {"Content-Type": "application/octet-stream", "Accept": "application/octet-stream"}


class Client:
    """One connection to a measure.Server."""

    def __init__(self, server):
        self.server = server
        address, self.path = re.match(r"http://([^/]*)(.*)", server.url).groups()
        self.connection = http.client.HTTPConnection(address)

    def ask(self, body):
        """Milliseconds until the last byte of the answer, and of them in the forward pass."""
        begin = time.perf_counter()
        self.connection.request("POST", self.path, body, HEADERS)
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - begin) * 1e3
        if answer.status != 200:
            raise RuntimeError(f"{self.path}: {answer.status}")
        return took, float(re.search(r"forward;dur=([0-9.]+)", answer.headers["Server-Timing"])[1])

    def median(self, body, times):
        """Medians of both, after two requests that do not count."""
        asked = [self.ask(body) for _ in range(times + 2)][2:]
        return [statistics.median(values) for values in zip(*asked)]


class Stream:
    """Asks the same again and again, in a thread, inside `with`."""

    def __init__(self, client, body):
        self.client, self.body, self.count = client, body, 0

    def __enter__(self):
        self.is_over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)  # this thread alone: the server is measured, not who shares its CPUs
        while not self.is_over:
            self.client.ask(self.body)
            self.count += 1

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


def noise_body(rows, features):
    """Normal numbers; the first 64 rows again and again."""
    import random

    rng = random.Random(2)
    some = array.array("f", (rng.gauss(0, 1) for _ in range(64 * features))).tobytes()
    return (some * (rows // 64 + 1))[: 4 * rows * features]


def npy(path, body, rows, features, copies):
    """A .npy file of copies times the rows."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows * copies}, {features}), }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
        for _ in range(copies):
            file.write(body)
