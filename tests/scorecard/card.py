"""The card: every row has a number, a group, a test, a goal, and a function that measures it. A row that measures time (`timed`) is shown
short on a machine that is busy with other things; it fails nothing there. The others must hold anywhere."""
import datetime
import json
import os
import pathlib
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
IS_LONG = os.environ.get("FORM", "short") == "long"
GROUPS = {"A": "Load and overload", "B": "Slow and broken clients", "C": "HTTP conformance, smuggling", "D": "Parsers",
          "E": "The numeric promise", "F": "Models and disk", "G": "Lifecycle", "H": "Memory and threads", "I": "Security"}
ROWS = {}


class NotRun(Exception):
    """Something the row needs is missing here; the text says what."""


def row(number, group, test, goal, timed=False):
    """Enters a function in the card. It returns (held, measured): whether the goal was reached, and what was seen, in words."""
    def enter(function):
        assert number not in ROWS
        ROWS[number] = {"number": number, "group": group, "test": test, "goal": goal, "timed": timed, "run": function}
        return function
    return enter


def size(short, long):
    """How much of something: the short form's share, or the whole."""
    return long if IS_LONG else short


def measure(entry):
    begin = time.monotonic()
    try:
        held, measured = entry["run"]()
        state = "ok" if held else "short"
    except NotRun as why:
        state, measured = "not run", str(why)
    except Exception as why:  # a row that breaks is a row that has not held
        state, measured = "short", f"{type(why).__name__}: {why}"
        traceback.print_exc()
    fields = {key: entry[key] for key in ("number", "group", "test", "goal", "timed")}
    return {**fields, "state": state, "measured": measured, "seconds": round(time.monotonic() - begin, 1)}


def line(result):
    return f"{result['number']:>2} {result['state']:<7} {result['seconds']:>6.1f} s  {result['test']}: {result['measured']}  (goal: {result['goal']})"


def table(results):
    """The card as Markdown."""
    lines = []
    for group, title in GROUPS.items():
        rows = [r for r in results if r["group"] == group]
        if rows:
            lines += [f"\n## {group}. {title}\n", "| # | test | goal | measured | | form |", "|---|---|---|---|---|---|"]
            lines += ["| " + " | ".join(str(r[key]).replace("|", "\\|") for key in ("number", "test", "goal", "measured", "state", "form")) + " |" for r in rows]
    return "\n".join(lines) + "\n"


def head(results):
    """What stands above the table: where, when and how it was measured, and how many goals were reached."""
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    count = {state: sum(r["state"] == state for r in results) for state in ("ok", "short", "not run")}
    return f"""# Scorecard

`make scorecard` on {datetime.date.today()}: {cpu}, {os.cpu_count()} CPUs shared by relud, its load and its attackers, loopback. {count['ok']} of {len(results)} rows reached their
goal, {count['short']} are short of it, {count['not run']} were not run. The short form takes ten minutes (`FORM=short`), the long one hours (`FORM=long`); B is the best rate
of correct answers, p99_0 the 99th percentile at half of it. "ok" answers have the bytes that they must have.
"""


def save(results, folder):
    """build/scorecard.json keeps the last result of every row, so that rows can be run one by one; the table is made of all of it."""
    folder.mkdir(exist_ok=True)
    path = folder / "scorecard.json"
    kept = {r["number"]: r for r in json.loads(path.read_text())} if path.exists() else {}
    form = "long" if IS_LONG else "short"
    kept.update({r["number"]: {**r, "form": form} for r in results})
    everything = [kept[number] for number in sorted(kept) if number in ROWS]
    path.write_text(json.dumps(everything, indent=1))
    (folder / "scorecard.md").write_text(head(everything) + table(everything))
    if os.environ.get("PUBLISH"):
        (ROOT / "deploy/scorecard.md").write_text(head(everything) + table(everything))
