"""HTTP/1.1 as bytes on a socket: requests as written, answers read strictly (RFC 9112), nothing mended on the way."""
import concurrent.futures
import itertools
import os
import select
import socket
import threading
import time


class Broken(Exception):
    """What came is no HTTP answer, or ended early."""


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body  # header names in lower case; the last of equal ones

    def __repr__(self):
        return f"<{self.code} {self.body[:80]!r}>"


def request(path, body=None, headers=(), method=None, host="relud"):
    """The bytes of one request."""
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body is not None:
        if not any(h.lower().startswith("content-type:") for h in headers):
            lines.append("Content-Type: application/json")
        if not any(h.lower().startswith(("content-length:", "transfer-encoding:")) for h in headers):
            lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class Connection:
    """One TCP connection to the server; `left` are bytes read beyond the last answer. With `receive_bytes` it is a slow line's end: little room, and
    packets as on Ethernet, for the kernel lets a sender's buffer grow to megabytes where they have the loopback's 64 KB."""

    def __init__(self, port, patience=30, receive_bytes=None, host="127.0.0.1"):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        self.socket.settimeout(patience)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        got = self.socket.recv(262144)
        if not got:
            raise EOFError
        self.left += got

    def _until(self, mark):
        while mark not in self.left:
            self._more()
        part, _, self.left = self.left.partition(mark)
        return part

    def _exactly(self, count):
        while len(self.left) < count:
            self._more()
        part, self.left = self.left[:count], self.left[count:]
        return part

    def answer(self, is_head=False, skip_continue=True):
        """The next answer; EOFError when the connection ended before its first byte, Broken when it ended within."""
        if not self.left:
            try:
                self._more()
            except ConnectionResetError:
                raise EOFError
        try:
            head = self._until(b"\r\n\r\n")
            line, *fields = head.split(b"\r\n")
            parts = line.split(b" ", 2)
            if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
                raise Broken(f"no status line: {line[:80]!r}")
            code = int(parts[1])
            headers = {}
            for field in fields:
                name, colon, value = field.partition(b":")
                if not colon or not name or b" " in name:
                    raise Broken(f"no header line: {field[:80]!r}")
                headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
            if code == 100 and skip_continue:
                return self.answer(is_head)
            if is_head or code in (100, 204, 304):
                body = b""
            elif headers.get("transfer-encoding", "").lower() == "chunked":
                body = b""
                while True:
                    count = int(self._until(b"\r\n").split(b";")[0], 16)
                    body += self._exactly(count)
                    if self._exactly(2) != b"\r\n":
                        raise Broken("a chunk without its end")
                    if count == 0:
                        break
            elif "content-length" in headers:
                body = self._exactly(int(headers["content-length"]))
            else:
                body = self.rest()
            return Answer(code, headers, body)
        except EOFError:
            raise Broken(f"cut short: {self.left[:80]!r}")

    def rest(self):
        """All bytes up to the end of the connection."""
        data, self.left = self.left, b""
        try:
            while got := self.socket.recv(262144):
                data += got
        except ConnectionResetError:
            pass
        return data

    def is_closed(self, patience=5):
        """True when the other side ends the connection within `patience` seconds, having said no more."""
        self.socket.settimeout(patience)
        try:
            return not self.left and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Recorded(Connection):
    """Answers out of bytes that came before."""

    def __init__(self, data):
        self.left = data

    def _more(self):
        raise EOFError

    def rest(self):
        data, self.left = self.left, b""
        return data

    def answers(self):
        """All of them; Broken when the bytes are no row of answers."""
        every = []
        while self.left:
            every.append(self.answer(skip_continue=False))
        return every


def exchange(port, data, patience=30, is_half_closed=False):
    """Sends bytes on a connection of their own, and its end where is_half_closed, and returns what came back until the other end."""
    with Connection(port, patience) as connection:
        try:
            connection.send(data)
            if is_half_closed:
                connection.socket.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # refused before it was all sent
        return connection.rest()


def spread(function, items, threads=8):
    """function of each item, by some threads, in their order; items may be many: they are taken as they are needed."""
    items = iter(items)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        while batch := list(itertools.islice(items, 2048)):
            yield from pool.map(function, batch)


def ask(port, path, body=None, headers=(), method=None, patience=30):
    """One request on a connection of its own."""
    with Connection(port, patience) as connection:
        connection.send(request(path, body, headers, method))
        return connection.answer(is_head=method == "HEAD")


def give_way():
    """Puts the calling thread behind all others: who attacks has a computer of his own elsewhere, and here must not take the measured program's."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def wait_for(is_true, patience=60, pause=0.01):
    """Polls until is_true() is; False when it does not come to be."""
    until = time.monotonic() + patience
    while not is_true():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True


def readable(connections, patience):
    """Those of the connections that have something to read, or have ended, as soon as there are any; none after `patience` seconds."""
    poll, by_number = select.poll(), {c.socket.fileno(): c for c in connections}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(1000 * patience)]
