"""B. Slow and broken clients: bodies that are too long, behind the proxies that people put in front (row 65)."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

import wire
from card import NotRun, row, size
from subject import DIGIT_BODY, free_port, is_open, server

SYSTEM_PATH = os.environ["PATH"] + ":/usr/sbin"
BIG_BYTES = 40 << 20
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream relud {{ server 127.0.0.1:{first}; server 127.0.0.1:{second}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://relud;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""
HAPROXY = """
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
    option redispatch
    default-server check inter 500ms observe layer7 error-limit 5 on-error mark-down
frontend in
    bind 127.0.0.1:{front}
    default_backend relud
backend relud
    option httpchk GET /readyz
    server first 127.0.0.1:{first}
    server second 127.0.0.1:{second}
"""


@contextlib.contextmanager
def proxy(name, settings, ports, **more):
    """The proxy before two servers: its port."""
    program = shutil.which(name, path=SYSTEM_PATH)
    if not program:
        raise NotRun(f"{name} is not installed (make scorecard-deps)")
    front = free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # nginx's workers are another user's where it is started by root
        path = pathlib.Path(folder) / "settings"
        path.write_text(settings.format(front=front, first=ports[0], second=ports[1], folder=folder, **more))
        words = {"nginx": ["-e", f"{folder}/error.log", "-c", path], "haproxy": ["-db", "-q", "-f", path]}[name]
        process = subprocess.Popen([program, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not wire.wait_for(lambda: process.poll() is not None or is_open(front), 20):
                raise RuntimeError(f"{name} does not listen")
            yield front
        finally:
            process.terminate()
            process.wait()


def send_big(port, is_chunked):
    """Writes a body of 40 MB, and only then reads: the code, or what broke."""
    block = bytes(65536)
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {BIG_BYTES}"
    try:
        with wire.Connection(port, 60) as connection:
            connection.send(f"POST /predict HTTP/1.1\r\nHost: relud\r\n{framing}\r\n\r\n".encode())
            for _ in range(BIG_BYTES // len(block)):
                connection.send(b"10000\r\n" + block + b"\r\n" if is_chunked else block)
            if is_chunked:
                connection.send(b"0\r\n\r\n")
            return connection.answer().code
    except (OSError, EOFError, wire.Broken) as why:
        return type(why).__name__


def ask_small(port, is_over, failed, count):
    """Digits, one after the other, until told to stop; what is not 200 goes to `failed`."""
    while not is_over.is_set():
        try:
            code = wire.ask(port, "/predict", DIGIT_BODY).code
        except (OSError, EOFError, wire.Broken) as why:
            code = type(why).__name__
        count[0] += 1
        if code != 200:
            failed.append(code)
        is_over.wait(0.002)


def bodies_beside_digits(port, bodies):
    """So many great bodies, four at a time, beside small requests: (codes of the great ones, small requests, those that failed)."""
    failed, count, is_over = [], [0], threading.Event()
    small = [threading.Thread(target=ask_small, args=(port, is_over, failed, count)) for _ in range(2)]
    for thread in small:
        thread.start()
    codes = list(wire.spread(lambda number: send_big(port, number % 2), range(bodies), 4))
    time.sleep(0.2)  # an upstream that was marked as failed shows in the requests that follow
    is_over.set()
    for thread in small:
        thread.join()
    return codes, count[0], failed


FRONTS = {"nginx": ("nginx", NGINX, {"buffering": "on"}), "nginx, unbuffered": ("nginx", NGINX, {"buffering": "off"}),
          "haproxy": ("haproxy", HAPROXY, {})}


@row(65, "B", "bodies of 40 MB through nginx and haproxy, beside digits", "each its 413; 0 small requests fail")
def great_bodies_behind_proxies():
    measured, held = [], True
    for name, (program, settings, more) in FRONTS.items():
        with server("--workers", 1) as first, server("--workers", 1) as second, proxy(program, settings, (first.port, second.port), **more) as front:
            codes, small, failed = bodies_beside_digits(front, size(24, 100))
        held = held and set(codes) == {413} and not failed and small > 0
        others = [code for code in codes if code != 413]
        measured.append(f"{name}: {codes.count(413)} of {len(codes)} are 413{f' (others {others[:4]})' if others else ''}, {len(failed)} of {small} digits failed"
                        f"{f' ({failed[:4]})' if failed else ''}")
    return held, "; ".join(measured)
