"""deploy/observability: promtool checks and tests the rules; Prometheus scrapes a relud of its own and evaluates the rules with short windows; every
query of the dashboard returns data; alerts fire when they are provoked, and clear."""
import contextlib
import csv
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "deploy/observability"
SKIPPED = 77
LIMIT_S = 90  # for what has to happen soon


def promtool(*words):
    done = subprocess.run(["promtool", *words], cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, f"promtool {' '.join(words)}: {done.stdout}{done.stderr}"


def wait(what, is_true):
    """What cannot be asked is not true yet."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if is_true():
                return
        time.sleep(0.2)
    raise SystemExit(f"{what} did not happen within {LIMIT_S} s")


def relud(address, folder):
    """A relud on that address, "127.0.0.1:0" for any port: (process, address)."""
    with open(folder / "relud.log", "w") as log:
        process = subprocess.Popen([ROOT / "build/relud", "serve", ROOT / "deploy/models", "--listen", address, "--workers", "2"], stderr=log)

    def listening():
        return re.search(r"listening on http://(\S+)", (folder / "relud.log").read_text())

    wait("relud's start", lambda: process.poll() is not None or listening())
    assert process.poll() is None, (folder / "relud.log").read_text()
    return process, listening()[1]


@contextlib.contextmanager
def prometheus(folder, target):
    """Prometheus with the files of deploy/observability, but once a second and with windows of ten seconds: its address."""
    rules = (HERE / "relud.rules.yml").read_text()
    rules = re.sub(r"for: \w+", "for: 2s", re.sub(r"\[(5|15)m\]", "[10s]", rules))
    config = (HERE / "prometheus.yml").read_text().replace("15s", "1s").replace("localhost:8080", target)
    (folder / "relud.rules.yml").write_text(rules)
    (folder / "prometheus.yml").write_text(config)
    log = open(folder / "log", "w+")
    process = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                "--web.listen-address=127.0.0.1:0", "--log.level=info"], stderr=log, stdout=log)

    def address():
        return re.search(r"msg=\"Listening on\" address=(127\.\S+)", (folder / "log").read_text())

    try:
        wait("Prometheus' start", lambda: process.poll() is not None or address())
        assert process.poll() is None, (folder / "log").read_text()
        yield address()[1]
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def query(address, expression):
    return get(f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["data"]["result"]


def fires(address, alert):
    return bool(query(address, f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))


def penguins():
    """Rows as the model was trained on them, over and over."""
    with open(ROOT / "deploy/models/penguins/penguins.csv") as file:
        rows = list(csv.DictReader(file))
    names = ("island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex")
    rows = [{name: None if row[name] in ("", "NA") else row[name] if name in ("island", "sex") else float(row[name]) for name in names}
            for row in rows]
    at = 0
    while True:
        at = (at + 151) % len(rows)  # the file is sorted
        yield rows[at]


def send(target, rows):
    body = json.dumps({"inputs": rows}).encode()
    request = urllib.request.Request(f"http://{target}/predict?model=penguins", data=body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def in_kilograms(row):
    return {**row, "body_mass_g": (row["body_mass_g"] or 4200) / 1000}


def check_dashboard(address):
    dashboard = json.loads((HERE / "dashboard.json").read_text())
    wanted = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(wanted) > 10
    for expression in wanted:
        expression = expression.replace("$__rate_interval", "10s").replace("$instance", ".*")
        wait(f"data for {expression}", lambda: query(address, expression))


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("prometheus is not there (apt install prometheus)")
        return SKIPPED
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "relud.rules.yml")
    promtool("test", "rules", "relud.rules.test.yml")
    with tempfile.TemporaryDirectory() as folder:
        provoke(pathlib.Path(folder))
    return 0


def provoke(folder):
    process, target = relud("127.0.0.1:0", folder)
    rows = penguins()

    def until(what, is_true, change=lambda row: row):
        def step():
            for _ in range(20):
                send(target, [change(next(rows)) for _ in range(5)])
            return is_true()
        wait(what, step)

    try:
        with prometheus(folder, target) as address:
            until("that 3,000 rows were compared", lambda: query(address, 'relud_drift_rows_total{model="penguins"} > 3000'))
            assert not fires(address, "ReludFeaturesShifted") and not query(address, "relud_shifted_features > 0")
            assert "unusual" in send(target, [in_kilograms(next(rows))])
            for alert in ("ReludFeaturesShifted", "ReludUnusualRows"):
                until(f"{alert} fires", lambda: fires(address, alert), in_kilograms)
            check_dashboard(address)
            for alert in ("ReludFeaturesShifted", "ReludUnusualRows"):
                until(f"{alert} clears", lambda: not fires(address, alert))
            process.kill()
            process.wait()
            wait("ReludDown fires", lambda: fires(address, "ReludDown"))
            process, _ = relud(target, folder)
            wait("ReludDown clears", lambda: not fires(address, "ReludDown"))
    finally:
        process.kill()


sys.exit(main())
