"""I. Security: TLS, and what the process may do (rows 62 and 64)."""
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import subject
from card import NotRun, ROOT, row, size
from subject import bench, bench_report, failures, p99, run_test, server
from wire import wait_for


def need(program):
    if not shutil.which(program):
        raise NotRun(f"{program} is not installed")


@contextlib.contextmanager
def certificate():
    """A folder with cert.pem and key.pem of their own making, and a function that puts new ones in their place."""
    need("openssl")
    with tempfile.TemporaryDirectory(prefix="relud-card-") as folder:
        def renew():
            for_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{folder}/key.part"]
            subprocess.run(["openssl", "req", "-x509", *for_key, "-out", f"{folder}/cert.part", "-days", "30", "-subj", "/CN=localhost"], check=True, capture_output=True)
            os.rename(f"{folder}/key.part", f"{folder}/key.pem")
            os.rename(f"{folder}/cert.part", f"{folder}/cert.pem")
        renew()
        yield folder, renew


def tls_options(folder):
    return "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem"


def accepted_suites(port):
    """Of all the TLS 1.2 suites that this openssl knows, those that the server shakes hands on."""
    names = subprocess.run(["openssl", "ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True).stdout.strip().split(":")
    taken = []
    for name in names:
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        found = re.search(r"^New, TLSv1.2, Cipher is (\S+)", done.stdout, re.M)
        if found and found[1] != "(NONE)":
            taken.append(found[1])
    return taken, len(names)


def flood(port, rate, stop, count):
    """New connections with a full handshake at `rate` a second until told to stop; count[0] goes up with each."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    begin = time.monotonic()
    while not stop.is_set() and count[0] < 100000:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 30) as raw, context.wrap_socket(raw):
            count[0] += 1
        stop.wait(max(0, begin + count[0] / rate - time.monotonic()))


def under_flood(subject_server, seconds):
    """(p99 before, p99 under 500 new handshakes a second, handshakes a second reached) of requests on standing connections."""
    load = dict(rate=200, connections=8, seconds=seconds)
    before = bench(subject_server, **load)
    stop, count = threading.Event(), [0]
    thread = threading.Thread(target=flood, args=(subject_server.port, 500, stop, count))
    thread.start()
    begin = time.monotonic()
    during = bench(subject_server, **load)
    reached = count[0] / (time.monotonic() - begin)
    stop.set()
    thread.join()
    if failures(before) or failures(during):
        raise RuntimeError("a request failed beside the handshakes")
    return p99(before), p99(during), reached


def reloads_under_load(subject_server, renew, times):
    """Requests that failed while the certificate was changed so many times."""
    running = bench(subject_server, connections=8, rate=500, seconds=size(4, 30), start=True)
    for _ in range(times):
        before = ssl.get_server_certificate(("127.0.0.1", subject_server.port))
        renew()
        subject_server.process.send_signal(1)
        if not wait_for(lambda: ssl.get_server_certificate(("127.0.0.1", subject_server.port)) != before, 60):
            raise RuntimeError("the new certificate is not shown")
    return bench_report(running)


@row(62, "I", "TLS", "1.2+ only, no weak suite; 500 handshakes/s leave p99 < 3x; certificates change without a drop", timed=True)
def tls():
    with certificate() as (folder, renew), server(*tls_options(folder), "--workers", 1) as subject_server:
        suites, known = accepted_suites(subject_server.port)
        weak = [name for name in suites if not re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)", name)]
        passed, failed = run_test("http/test_tls")
        times = size(5, 50)
        report = reloads_under_load(subject_server, renew, times)
        before, during, reached = under_flood(subject_server, size(3, 20))
    if weak or failed or not suites or failures(report):
        return False, f"weak suites {weak}, test_tls {failed} failed, {failures(report)} failed under {times} changes of the certificate"
    return during < 3 * before and reached > 400, (f"{len(suites)} of {known} suites, all ECDHE with AEAD; test_tls {passed} of {passed}; {times} new certificates, 0 of {report['answers']} "
                                 f"requests failed; {reached:.0f} handshakes/s: p99 {before:.2f} -> {during:.2f} ms ({during / before:.1f}x)")


def status(pid):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def exposure():
    """systemd's own figure for the unit, and the words for it."""
    need("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(ROOT / "deploy/systemd/relud.service")], capture_output=True, text=True)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if not found:
        raise NotRun("systemd-analyze gives no figure: " + (done.stderr.strip()[-100:] or "?"))
    return float(found[1])


@row(64, "I", "privileges", "non-root, nothing to gain, seccomp; no secret in logs, /proc or a core; systemd's exposure < 3")
def privileges():
    if os.geteuid() != 0:
        raise NotRun("only root can become another user")
    secret = "a-key-that-nobody-may-see"
    with certificate() as (folder, _):
        keys = pathlib.Path(folder) / "keys"
        keys.write_text(f"app infer,metrics sha256:{hashlib.sha256(secret.encode()).hexdigest()}\n")
        # a copy of the model in a folder that every user may enter
        model = tempfile.mkdtemp(prefix="relud-card-")
        try:
            shutil.copytree(subject.DIGITS, f"{model}/digits")
            subprocess.run(["chmod", "-R", "a+rX", model], check=True)
            running = subject.Server("--api-keys", keys, "--user", "65533", "--log-level", "debug", models=[f"{model}/digits"])
            running.ask("/predict", subject.DIGIT_BODY, [f"Authorization: Bearer {secret}"])
            running.ask("/predict", subject.DIGIT_BODY, [f"X-Api-Key: {secret}x"])
            seen = status(running.pid)
            shown = "".join(pathlib.Path(f"/proc/{running.pid}/{name}").read_text(errors="replace") for name in ("cmdline", "environ")) + running.log()
            running.process.send_signal(11)
            running.process.wait(60)
            cores = [path for path in pathlib.Path(".").glob("core*") if path.is_file()]
            running.log_path.unlink(missing_ok=True)
        finally:
            shutil.rmtree(model)
    is_bare = seen["Uid"].split() == ["65533"] * 4 and int(seen["CapEff"], 16) == int(seen["CapPrm"], 16) == 0
    is_confined = seen["NoNewPrivs"] == "1" and seen["Seccomp"] == "2"
    score = exposure()
    held = is_bare and is_confined and secret not in shown and not cores and score < 3
    return held, (f"uid {seen['Uid'].split()[0]}, capabilities {seen['CapEff'].lstrip('0') or 0}, NoNewPrivs {seen['NoNewPrivs']}, seccomp {seen['Seccomp']}; "
                  f"key in log, cmdline or environ: {'yes' if secret in shown else 'no'}; core: {'yes' if cores else 'no'}; exposure {score}")
