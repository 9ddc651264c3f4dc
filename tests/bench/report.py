#!/usr/bin/env python3
"""build/bench.json as words: build/bench.md, build/bench-rows.md, build/bench-great.md, build/bench-train.md, build/bench-ratios.md and build/bench.svg; with --publish also
docs/performance.md's sections of what was measured, docs/performance.svg, and README's lines of ratios."""
import html
import itertools
import json
import math
import sys

from contestants import ALL, ROOT

TITLES = {one.name: one.title for one in ALL}
BEGIN, END = "<!-- make bench: this section is tests/bench/report.py's -->", "<!-- end of make bench -->"
RATIOS_BEGIN, RATIOS_END = "<!-- make bench: ratios -->", "<!-- end of ratios -->"
ROWS_BEGIN, ROWS_END = "<!-- make bench: rows of tables -->", "<!-- end of rows of tables -->"
GREAT_BEGIN, GREAT_END = "<!-- make bench: great requests -->", "<!-- end of great requests -->"
TRAIN_BEGIN, TRAIN_END = "<!-- make bench: training -->", "<!-- end of training -->"
MODEL_SERVERS = ("pytriton_ort", "mlserver_ort", "kserve_ort", "litserve_ort", "torchserve")
# Those with a goal; the others are measured, too.
RELU_LIKE = ("relu", "leaky_relu", "relu6", "hardtanh", "threshold", "softshrink", "hardshrink")
EXP_LIKE = ("elu", "selu", "celu", "silu", "gelu", "mish", "sigmoid", "tanh", "softplus", "logsigmoid", "tanhshrink", "softmax", "log_softmax")


def number(value):
    """Three figures, as people write them."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{round(value, 2 - int(math.log10(abs(value)))):,.0f}"
    return f"{value:.3g}"


def within(words, spread):
    """A measured figure and how far its rounds lay apart: half of the way from the least to the greatest. None: it was measured once."""
    return words if spread is None else f"{words} ±{100 * spread:.2g} %"


def short(widths):
    """784→256→10; a width that comes more than twice in a row is written once: 640→4×128→8."""
    runs = [(width, len(list(same))) for width, same in itertools.groupby(widths)]
    return "→".join(f"{count}×{width}" if count > 2 else "→".join([str(width)] * count) for width, count in runs)


def off(one, key):
    """The spread of one["key"]."""
    return one.get("spread", {}).get(key)


def table(head, rows):
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


class Report:
    def __init__(self, result):
        self.result = result
        self.micro = result.get("micro", {})
        self.http = result.get("http", {})
        self.latency = result.get("latency", {})
        self.used = result.get("used", {})
        self.scale = result.get("scale", {})
        self.nets = result.get("nets", {})
        self.dialects = result.get("dialects", {})
        self.rows = result.get("rows", {})
        self.great = result.get("great", {})
        self.train = result.get("train", {})

    # ---- the goals ----

    def goals(self):
        """(what, goal, measured, is it reached, why when not), for what this run has measured."""
        for part in (self.http_goals, self.latency_goals, self.micro_goals, self.size_goals, self.scale_goals):
            try:
                yield from part()
            except KeyError as name:  # a part that was not run, or a peer that is missing
                yield (f"(not measured here: {name})", "", "", None, "")

    def http_goals(self):
        one = self.http["json1.c32"]
        rate = {name: value["per_second"] for name, value in one.items()}

        def beyond(name, goal):
            measured, most = one[name]["relud_is_x"], rate["ceiling"] / rate[name]
            why = f"the constant-answer ceiling itself is {number(most)}× on these {self.result['machine']['cpus']} CPUs" if most < goal * 1.34 else ""
            return (f"one digit, JSON, 32 connections, against {TITLES[name]}", f"≥ {goal}×", within(f"{number(measured)}×", off(one[name], "relud_is_x")),
                    measured >= goal, why)

        share = one["ceiling"]["relud_is_x"]
        yield ("one digit, JSON, 32 connections, of the same stack answering a constant unread", "≥ 0.75", within(f"{share:.2f}", off(one["ceiling"], "relud_is_x")),
               share >= 0.75, self.own_work())
        for name, goal in (("fastapi_torch", 60), ("fastapi_ort", 10), ("fastify_ort", 8)):
            if name in one:
                yield beyond(name, goal)
        if "furnace" in one:
            measured = one["furnace"]["cpu_of_relud_x"]
            least = one["furnace"]["cpu_s_per_1000"] / one["ceiling"]["cpu_s_per_1000"]
            yield ("the same, CPU time a request, of Furnace's", "≤ 1/5", f"1/{number(1 / measured)}", measured <= 1 / 5,
                   f"the sockets and HTTP of a request alone, the ceiling's, are 1/{number(least)}")
        there = [name for name in MODEL_SERVERS if name in one]
        if there:
            yield beyond(max(there, key=lambda name: rate[name]), 5)
        many = self.http["json32.c32"]
        if "fastapi_torch" in many:
            measured = many["fastapi_torch"]["relud_is_x"]
            yield ("32 digits, JSON, against FastAPI + PyTorch (tutorial)", "≥ 20×", within(f"{number(measured)}×", off(many["fastapi_torch"], "relud_is_x")),
                   measured >= 20, "")
        for net, goal in (("wide", 2.5), ("huge", 3.5)):
            if "fastapi_ort" in self.nets.get(net, {}).get("json32", {}):
                peer, widths = self.nets[net]["json32"]["fastapi_ort"], "→".join(map(str, self.nets[net]["widths"]))
                yield (f"32 rows of {widths}, JSON, against FastAPI + ONNX Runtime (lean)", f"≥ {goal}×",
                       within(f"{number(peer['relud_is_x'])}×", off(peer, "relud_is_x")), peer["relud_is_x"] >= goal,
                       "nearly all of both is the product of matrices, which is equally fast there")
        codec = self.micro["codec.read.pixels.gb_per_s"] * 1e9 / self.result["machine"]["body_bytes_of_32"]
        measured = many["relud"]["per_second"] / codec
        yield ("32 digits, JSON, of what the codec alone reads on one core", "≥ 0.6", f"{measured:.2f}", measured >= 0.6, "")
        for name, words in (("float1.c32", "one digit"), ("float32.c32", "32 digits")):
            measured = self.http[name]["ceiling"]["relud_is_x"]
            why = self.own_work() if name == "float1.c32" else f"32 rows of forward pass are {number(32 * self.micro[f'forward.784x256.19.{self.levels()[0]}.rows32.us_per_row'])} µs of a request"
            yield (f"{words}, raw float32, of the ceiling at the same body size", "≥ 0.85",
                   within(f"{measured:.2f}", off(self.http[name]["ceiling"], "relud_is_x")), measured >= 0.85, why)
        idle = self.http["json1.c1"]
        measured = idle["relud"]["p50_ms"] / idle["ceiling"]["p50_ms"]
        yield ("one connection, median against the ceiling's", "≤ 1.3×", f"{measured:.2f}×", measured <= 1.3, self.own_work())

    def own_work(self):
        read, forward, write = (self.micro[f"turn.requests8.{what}_ns"] / 1000 for what in ("read", "forward", "write"))
        cpu = self.http["json1.c32"]["ceiling"]["cpu_s_per_1000"] * 1000
        return f"its own work is {read:.1f} µs reading, {forward:.1f} forward, {write:.1f} writing; the ceiling's sockets and HTTP are {cpu:.1f}"

    def latency_goals(self):
        half = self.latency["0.5"]
        relud, ceiling = half["relud"]["p99_ms"], half["ceiling"]["p99_ms"]
        yield ("p99 at half of its capacity, beyond the ceiling's at half of its", "≤ 0.2 ms", f"{relud - ceiling:+.2f} ms", relud - ceiling <= 0.2,
               "both are queues for the two CPUs that the load generator shares")
        if "fastapi_torch" in half:
            measured = half["fastapi_torch"]["p99_of_relud_x"]
            yield ("the same against FastAPI + PyTorch's", "≤ 1/10", f"1/{number(1 / measured)}", measured <= 0.1, "")

    def levels(self):
        """The instruction sets that were measured, the best one first."""
        return [level for level in ("avx512", "avx2") if f"forward.784x256.19.{level}.rows32.us_per_row" in self.micro]

    def micro_goals(self):
        micro, isa = self.micro, self.result["machine"]["isa"]

        def slow(key):
            return f"{number(micro[key])} times cJSON's speed: this core is slower than those the goal was set on"

        for level in self.levels():
            goal = 0.9 if level == "avx512" else 0.8
            shares = {rows: micro[f"forward.784x256.100.{level}.rows{rows}.of_fma_peak"] for rows in (4, 8, 32, 64)}
            least = min(shares.values())
            yield (f"784×256, 4 to 64 rows, of the core's FMA peak, {level}", f"≥ {goal:.2f}", f"{least:.2f}–{max(shares.values()):.2f}", least >= goal,
                   "of few rows each weight is used once or twice, and the layer does not fit into the second-level cache, from which it would come in time"
                   if self.result["machine"].get("cache_bytes", 1 << 30) < 1 << 20 else "")
        for level in self.levels():
            shares = [micro[f"forward.4096x4096.100.{level}.rows{rows}.of_memory"] for rows in (1, 2, 4)]
            why = "4 rows are more than this core's cache and units take in beside the stream" if level == "avx2" else (
                f"{min(shares):.3f}, which is within what the bandwidth's own figure varies by")
            yield (f"4096×4096, 1 / 2 / 4 rows, of the memory bandwidth ({micro['machine.read_gb_per_s']:.0f} GB/s), {level}", "≥ 0.90",
                   " / ".join(f"{share:.2f}" for share in shares), min(shares) >= 0.9, why)
        for kind, words, goal in (("normal", "shortest floats", 1.0), ("six", "`0.123456`", 0.6)):
            measured = micro[f"codec.read.{kind}.gb_per_s"]
            yield (f"reading {words}", f"≥ {goal} GB/s", within(f"{measured:.2f} GB/s", off(micro, f"codec.read.{kind}.gb_per_s")), measured >= goal, slow(f"codec.read.{kind}.x_cjson"))
        measured = micro["codec.write.normal.ns"]
        yield ("writing shortest floats", "≤ 12 ns", within(f"{measured:.1f} ns", off(micro, "codec.write.normal.ns")), measured <= 12, slow("codec.write.normal.x_cjson"))
        least = min((micro[f"activation.{name}.{where}.of_memcpy"], name) for name in RELU_LIKE for where in ("cache", "memory"))
        yield ("relu-like activations, of memcpy's speed", "≥ 0.90", f"{least[0]:.2f} ({least[1]}) or more", least[0] >= 0.9,
               "a second pass over the answers makes all NaNs alike, and memcpy moves 32 bytes at a time where it moves 16")
        most = max((micro[f"activation.{name}.cache.ns"], name) for name in EXP_LIKE)
        yield (f"exp-like activations, {isa}", "≤ 1 ns a float", f"{most[0]:.2f} ns ({most[1]}) or less", most[0] <= 1,
               "" if isa == "avx512" else "the goal is that of AVX-512, which has twice the lanes and twice the registers")

    def size_goals(self):
        ready = self.used["relud"]["ready_s"] * 1000
        yield ("start to first answer", "≤ 20 ms", f"{ready:.0f} ms", ready <= 20, "of which linking its libraries and measuring the plan are most; both wait for this host's CPUs")
        memory = self.scale["connections"]["100"]["memory_mb"]
        yield ("resident memory, digits, 100 connections", "≤ 12 MB", f"{memory:.1f} MB", memory <= 12, "7.9 MB are the program and its libraries, which processes share; 4 the net and the workers; 34 KB are a connection's, nearly all of them libmicrohttpd's")
        program = self.result["machine"]["program_kb"] * 1024 / 1e6
        yield ("the program, stripped", "≤ 1 MB", f"{program:.2f} MB", program <= 1, "explanations, drift and comparisons took it beyond")

    def scale_goals(self):
        workers = self.scale["workers"]
        measured = workers["2"]["per_second"] / workers["1"]["per_second"]
        yield ("two workers against one", "≥ 1.8×", f"{measured:.2f}×", measured >= 1.8,
               "it needs two free cores: here the load generator needs one of the two. CPU time a request: "
               f"{workers['1']['cpu_s_per_1000'] * 1000:.1f} and {workers['2']['cpu_s_per_1000'] * 1000:.1f} µs")
        for what in ("rows", "features", "connections", "models"):
            points = sorted((int(n), one) for n, one in self.scale[what].items())
            (few, first), (many, last) = points[0], points[-1]
            grows = last["cpu_s_per_1000"] / first["cpu_s_per_1000"]
            yield (f"CPU time a request, {what} {few} → {many:,}", f"≤ {number(many / few)}×" if what in ("rows", "features") else "≤ 1.5×", f"{number(grows)}×",
                   grows <= (many / few if what in ("rows", "features") else 1.5), "")

    # ---- the tables ----

    def peers(self):
        rows = []
        names = [one.name for one in ALL if one.name in self.http.get("json1.c32", {})]
        for name in names:
            one, many, used = self.http["json1.c32"][name], self.http["json32.c32"].get(name), self.used.get(name, {})
            half, most = (self.latency.get(share, {}).get(name) for share in ("0.5", "0.8"))
            rows.append([
                f"{TITLES[name]} {self.result['versions'].get(name, '')}" if name != "ceiling" else TITLES[name], within(number(one["per_second"]), off(one, "per_second")),
                within(f"{number(one['relud_is_x'])}×", off(one, "relud_is_x")), f"{number(many['per_second'] * 32)} ({number(many['relud_is_x'])}×)" if many else "",
                " / ".join(within(number(half[f"{p}_ms"]), off(half, f"{p}_ms")) for p in ("p50", "p99", "p99.9")) if half else "",
                " / ".join(number(most[f"{p}_ms"]) for p in ("p50", "p99", "p99.9")) if most else "",
                within(number(one["cpu_s_per_1000"] * 1000), off(one, "cpu_s_per_1000")), number(used["memory_mb"]) if used else "",
                f"{used['ready_s']:.2g}" if used else "", number(used["install_mb"]) if used else ""])
        return table(["server", "requests/s", "relud is", "rows/s, 32 a request", "p50 / p99 / p99.9 ms at half load", "at 80 %",
                      "CPU µs a request", "memory MB", "start s", "installed MB"], rows)

    def by_connections(self):
        counts = [1, 8, 32, 128, 512]
        names = [one.name for one in ALL if one.name in self.http.get("json1.c1", {})]
        return table(["requests/s at connections", *counts],
                     [[TITLES[name], *(within(number(self.http[f"json1.c{n}"][name]["per_second"]), off(self.http[f"json1.c{n}"][name], "per_second")) if name in self.http[f"json1.c{n}"] else ""
                                       for n in counts)] for name in names])

    def other_nets(self):
        rows = []
        for one in sorted(self.nets.values(), key=lambda net: sum(map(math.prod, itertools.pairwise(net["widths"])))):
            for kind, words in (("json1", "one row, JSON"), ("json32", "32 rows, JSON"), ("float1", "one row, float32")):
                of = one[kind]
                rows.append([short(one["widths"]), words, within(number(of["relud"]["per_second"]), off(of["relud"], "per_second")),
                             number(of["relud"]["cpu_s_per_1000"] * 1000),
                             *(within(f"{number(of[name]['relud_is_x'])}×", off(of[name], "relud_is_x")) if name in of else ""
                               for name in ("ceiling", "fastapi_torch", "fastapi_ort", "fastify_ort"))])
        return table(["net", "request", "relud, requests/s", "CPU µs", "of the ceiling", "against FastAPI + PyTorch", "FastAPI + ONNX Runtime", "Fastify + onnxruntime-node"], rows)

    def by_dialect(self):
        rates = {name: one["per_second"] for name, one in self.dialects.items()}
        return table(["", "requests/s", "CPU µs", "of relud's own form"],
                     [[name, within(number(rates[name]), off(self.dialects[name], "per_second")), number(self.dialects[name]["cpu_s_per_1000"] * 1000),
                       f"{rates[name] / rates[own]:.2f}"]
                      for name, own in (("native JSON", "native JSON"), ("native JSON, explained", "native JSON"), ("V2 JSON", "native JSON"), ("V1 JSON", "native JSON"),
                                        ("native float32", "native float32"), ("V2 binary", "native float32")) if name in rates])

    def secure(self):
        return table(["one digit, JSON, 32 connections, asked by h2load", "requests/s", "CPU µs"], [
            [name, within(number(one["per_second"]), off(one, "per_second")), within(number(one["cpu_us"]), off(one, "cpu_us"))]
            for name, one in (("HTTP/1.1", self.result["tls"]["plain"]), ("the same in TLS 1.3", self.result["tls"]["TLS"]))])

    def layers(self):
        rows = []
        for net, percent, words in (("784x256", 100, "784×256"), ("784x256", 19, "784×256, 81 % zeros as in MNIST"), ("256x10", 100, "256×10"),
                                    ("1024x1024", 100, "1024×1024"), ("4096x4096", 100, "4096×4096")):
            for level in ("avx512", "avx2"):
                key = f"forward.{net}.{percent}.{level}.rows"
                there = [n for n in (1, 4, 8, 32, 64) if f"{key}{n}.us_per_row" in self.micro]
                if there:
                    rows.append([words, level, *(f"{number(self.micro[f'{key}{n}.us_per_row'])} ({number(self.micro[f'{key}{n}.x_blas'])}×)" if n in there else ""
                                                 for n in (1, 4, 8, 32, 64))])
        return table(["µs a row (times the best OpenBLAS call) at rows", "", 1, 4, 8, 32, 64], rows)

    def codec(self):
        kinds = (("normal", "shortest floats of a normal distribution"), ("unit", "shortest floats in 0…1"), ("wide", "shortest floats of any exponent"),
                 ("six", "`0.123456`"), ("spaced", "`0.123456, ` with spaces"), ("double", "17 digits, as Python writes doubles"), ("pixels", "grey values"))
        rows = []
        for kind, words in kinds:
            read, write = f"codec.read.{kind}.", f"codec.write.{kind}."
            if read + "gb_per_s" in self.micro:
                rows.append([words, f"{self.micro[read + 'gb_per_s']:.2f}", f"{number(self.micro[read + 'x_cjson'])}×", f"{number(self.micro[read + 'x_strtod'])}×",
                             *([f"{self.micro[write + 'ns']:.1f}", f"{number(self.micro[write + 'x_cjson'])}×", f"{number(self.micro[write + 'x_printf'])}×"]
                               if write + "ns" in self.micro else ["", "", ""])])
        return table(["numbers", "read GB/s", "cJSON", "strtod", "write ns each", "cJSON", "printf"], rows)

    def growth(self):
        rows = []
        for what in ("rows", "features", "connections", "models"):
            points = sorted((int(n), one) for n, one in self.scale.get(what, {}).items())
            rows.append([what, "; ".join(f"{n}: {number(one['cpu_s_per_1000'] * 1000)}" for n, one in points)])
        return table(["CPU µs a request", "as it grows"], rows)

    def turn(self):
        counts = [n for n in (1, 8, 32, 64) if f"turn.requests{n}.ns" in self.micro]
        rows = [[words, *(f"{self.micro[f'turn.requests{n}.{key}'] / 1000:.2f}" for n in counts)]
                for key, words in (("ns", "all"), ("read_ns", "reading"), ("forward_ns", "forward pass"), ("write_ns", "writing"))]
        return table(["µs a request beyond libmicrohttpd's, at requests in a turn", *counts], rows)

    # ---- the whole ----

    def markdown(self):
        m = self.result["machine"]
        out = [f"`make bench` on {m['date']}: {m['cpu']}, {m['cpus']} CPUs shared by the server and the load generator (`relud bench`), {m['isa']}, {m['system']}, "
               f"Linux {m['kernel']}. {m['rounds']} rounds of {m['seconds']:g} s for each server in turn, medians; read them as ratios. ± is half of the way "
               "from the least round to the greatest. Every server has the same model (784→256→10), the same MNIST images and its own best-known settings, in `tests/bench/peers`.\n"]
        if self.result["missing"]:
            out.append("Missing in this run: " + "; ".join(f"{TITLES.get(name, name)} ({why})" for name, why in self.result["missing"].items()) + ".\n")
        out.append("![requests per second and tail latency, relud beside its peers](performance.svg)\n")
        out.append(table(["goal", "", "measured", ""], [
            [what, goal, measured, "" if ok is None else "reached" if ok else "**short**" + (f": {why}" if why else "")]
            for what, goal, measured, ok, why in self.goals()]))
        if self.http:
            out += ["One digit a request, JSON, 32 connections; open loop at half and at 80 % of each one's own capacity, latency from the intended time of sending:\n", self.peers()]
            out.append(self.torch_note())
            out.append(self.by_connections())
        if self.nets:
            out += ["Other nets, 32 connections; relud's rate as a multiple of the others':\n", self.other_nets()]
        if self.dialects:
            out += ["One digit in every dialect, 32 connections:\n", self.by_dialect()]
        if "tls" in self.result:
            out.append(self.secure())
        if self.scale:
            out += ["As work grows:\n", self.growth()]
        if self.micro:
            out += ["The pieces (`build/tests/bench/bench_forward` and its like):\n", self.layers(), self.codec(), self.turn()]
        return "\n".join(piece for piece in out if piece)

    def training(self):
        """The section of its own: a machine's training does not wait for its peers' servers."""
        m, core, peers = self.result["machine"], self.train["core"], [self.train[n] for n in ("1", "2")]
        share = core["dense.gflops"] / core["sgemm.gflops"]
        rows = [[f"an epoch, {n} thread{'s' if n > 1 else ''}, against PyTorch's {words}", goal, f"{number(one[f'{kind}_x'])}×", one[f"{kind}_x"] >= least]
                for n, one in zip((1, 2), peers)
                for kind, words, goal, least in (("tight", "tight loop", "≥ 1.5×", 1.5), ("loader", "DataLoader", "≥ 4×", 4))]
        rows.append(["the arithmetic of dense rows, of sgemm's peak on one core", "≥ 0.60", f"{share:.2f}", share >= 0.6])
        memory = self.train["1"]["memory_mb"]["relud"]
        rows.append(["peak memory, with 45 MB of images", "≤ 145 MB", f"{number(memory)} MB", memory <= 145])
        out = [f"`BENCH_PARTS=train make bench` on {m['date']}: {m['cpu']}, {m['cpus']} CPUs, {m['isa']}, {m['system']}. 60,000 images, 784→256→10, batches of 64, SGD with "
               f"momentum, {m['rounds']} rounds in turn, medians. PyTorch is Debian's, on OpenBLAS with as many threads; two of them get in each other's way there.\n",
               table(["goal", "", "measured", ""], [[*row[:3], "reached" if row[3] else "**short**"] for row in rows]),
               table(["seconds an epoch", "relud", "PyTorch, tight loop on tensors in memory", "PyTorch, DataLoader"],
                     [[f"{n} thread{'s' if n > 1 else ''}", *(number(one["seconds"][kind]) for kind in ("relud", "tight", "loader"))] for n, one in zip((1, 2), peers)]),
               table(["GFLOP/s of steps of 64 rows on one core", ""], [[words, number(core[f"{name}.gflops"])] for name, words in (
                   ("sgemm", "OpenBLAS's sgemm of 1024×1024, the peak"), ("dense", "relud, dense rows"), ("blas", "the same steps by sgemm"),
                   ("sparse", "relud, rows with 81 % zeros, counted as if they were dense"))])]
        if "tables" in self.train:
            names = sorted({name.split(".")[0] for name in self.train["tables"]})
            out.append(table(["accuracy of a quarter held out, mean of 60 splits", "relud", "PyTorch, same recipe"], [
                [name.replace("_", " "), *(f"{self.train['tables'][f'{name}.{who}']:.1f} %" for who in ("relud", "torch"))] for name in names]))
        return "\n".join(out)

    def tables(self):
        """The section of its own for rows of a table in each form."""
        m, found = self.result["machine"], [self.rows["words"][f"words.{count}.ns"] for count in (3, 20, 1000)]
        names = ("arrays", "records", "columns", "CSV", "V1 records", "V2, a tensor a column", "numbers alone")
        rate = {count: {name: int(count) * one["per_second"] for name, one in self.rows[count].items()} for count in ("1", "32")}
        spread = {count: {name: off(one, "per_second") for name, one in self.rows[count].items()} for count in ("1", "32")}
        goals = [[f"records, {words} a request, of arrays", "≥ 0.60", f"{rate[count]['records'] / rate[count]['arrays']:.2f}",
                  rate[count]["records"] >= 0.6 * rate[count]["arrays"]] for count, words in (("32", "32 rows"), ("1", "one row"))]
        goals.append(["finding a word among 3, 20, 1,000 categories", "≤ 20 ns", ", ".join(f"{ns:.1f}" for ns in found) + " ns", max(found) <= 20])
        return "\n".join([
            f"`BENCH_PARTS=rows make bench` on {m['date']}: {m['cpu']}, {m['cpus']} CPUs shared by the server and the load generator, {m['isa']}, {m['system']}, "
            f"32 connections, {m['rounds']} rounds of {m['seconds']:g} s for each form in turn, medians. Rows of 30 columns, 10 of them words of 20 categories each, "
            "one-hot, before 64 units; the last line is a net of 30 numbers and 64 units.\n",
            table(["goal", "", "measured", ""], [[*row[:3], "reached" if row[3] else "**short**"] for row in goals]),
            table(["rows as", "rows/s, one a request", "of arrays", "rows/s, 32 a request", "of arrays"], [
                [name, *(cell for count in ("1", "32") for cell in (within(number(rate[count][name]), spread[count][name]), f"{rate[count][name] / rate[count]['arrays']:.2f}"))]
                for name in names])])

    def great_requests(self):
        """The section of its own for requests of thousands of rows."""
        m, g = self.result["machine"], self.great
        names = {"wide": "784→1024→1024→10", "huge": "4096→4096→1000", "digits": "784→256→10, digits"}
        cases = [(key, g["cases"][key]) for key in names]
        goals = [[f"{one['rows']:,} rows of {names[key]}, whole time, speed of ONNX Runtime's own pass", f"≥ {least}", within(f"{one['of_ort']:.2f}", off(one, "of_ort")),
                  one["of_ort"] >= least]
                 for (key, one), least in zip(cases, (1.0, 1.0, 0.7))]
        goals += [[f"{names[key]}: forward pass by {g['cpus']} workers, of one's", "≥ 1.85×", within(f"{g['cases'][key]['forward_x']:.2f}×", off(g["cases"][key], "forward_x")),
                   g["cases"][key]["forward_x"] >= 1.85]
                  for key in ("wide", "huge")]
        narrow = g["narrow"]["x"]
        goals.append(["4096→4096→1000 of bfloat16 numbers, one row, of float32's time", "≤ 0.55", within(f"{narrow:.2f}", off(g["narrow"], "x")), narrow <= 0.55])
        goals.append(["p99 of single digits beside a stream of 4,096, of theirs alone", "< 2×", within(f"{g['beside']['p99_x']:.2f}×", off(g["beside"], "p99_x")),
                      g["beside"]["p99_x"] < 2])
        goals.append([f"`relud predict` of {g['file']['rows']:,} digits, npy to npy, by {g['cpus']} threads, of one's", "≥ 1.8×", within(f"{g['file']['x']:.2f}×", off(g["file"], "x")),
                      g["file"]["x"] >= 1.8])
        return "\n".join([
            f"`BENCH_PARTS=great make bench` on {m['date']}: {m['cpu']}, {g['cpus']} CPUs, {m['isa']}, {m['system']}. One connection, raw float32 in and out, the client on the "
            f"same CPUs, {m['rounds']} rounds in turn, medians. ONNX Runtime computes the same rows with {g['cpus']} threads, in memory, without a server.\n",
            table(["goal", "", "measured", ""], [[*row[:3], "reached" if row[3] else "**short**"] for row in goals]),
            table(["milliseconds", "MB", "relud, one worker", f"relud, {g['cpus']} workers", "of which forward", "ONNX Runtime's pass"], [
                [f"{one['rows']:,} rows of {names[key]}", f"{one['mb']:.1f}", *(within(number(one[what]), off(one, what)) for what in ("alone", "all", "all_forward", "ort"))]
                for key, one in cases]),
            table(["1,000 single digits a second, ms", "p50", "p99"], [[words, *(within(number(g["beside"][key][p]), off(g["beside"][key], p)) for p in ("p50", "p99"))] for key, words in (
                ("alone", "alone"), ("beside", "beside a stream of 4,096 digits a request"))])])

    def torch_note(self):
        rates = [self.http[f"json1.c{n}"]["fastapi_torch"]["per_second"] for n in (1, 8, 32, 128, 512) if "fastapi_torch" in self.http.get(f"json1.c{n}", {})]
        if not rates:
            return ""
        ratio = self.http["json1.c32"]["relud"]["per_second"] / max(rates)
        return ("uvicorn with two workers sends head and body apart and so waits for delayed acknowledgements when few requests are open: that holds FastAPI + PyTorch back "
                f"at 1 to 32 connections. Against its own best at any number of connections relud is {number(ratio)}×.\n")

    def best(self, name):
        """A peer's own highest rate over the numbers of connections that were tried."""
        return max(one[name]["per_second"] for key, one in self.http.items() if key.startswith("json1.c") and name in one)

    def ratios(self):
        """README's lines: relud's rate as a multiple of three peers'."""
        rates = {name: one["per_second"] for name, one in self.http["json1.c32"].items()}
        out = []
        for name in ("fastapi_torch", "fastapi_ort", "pytriton_ort"):
            if name in rates:
                at_best = f"; {number(rates['relud'] / self.best(name))} times its best at any number of connections" if self.best(name) > 1.1 * rates[name] else ""
                out.append(f"- {number(self.http['json1.c32'][name]['relud_is_x'])} times as many as {TITLES[name]}{at_best}")
        return (f"On {self.result['machine']['cpus']} CPUs, with one digit a request as JSON over 32 connections, relud answers {number(rates['relud'])} requests a second:\n\n"
                + "\n".join(out) + "\n")

    def svg(self):
        """Two panels of bars: requests/s, and p99 at half load on a logarithmic scale."""
        one, half = self.http["json1.c32"], self.latency.get("0.5", {})
        names = [entry.name for entry in ALL if entry.name in one]
        height, left, width = 26, 230, 270
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 {70 + height * len(names)}" font-family="system-ui,sans-serif" font-size="13">'
               f'<rect width="100%" height="100%" fill="#fff"/>',
               f'<text x="{left}" y="24" font-weight="600">requests/s, one MNIST digit, JSON, 32 connections</text>',
               f'<text x="{left + 390}" y="24" font-weight="600">p99 in ms at half load (logarithmic)</text>']
        most = max(one[name]["per_second"] for name in names)
        tails = {name: half[name]["p99_ms"] for name in names if name in half}
        low, high = (math.log10(f(tails.values())) for f in (min, max)) if tails else (0, 1)
        for i, name in enumerate(names):
            y = 42 + i * height
            fill = "#0a7f5a" if name == "relud" else "#b8c0c8" if name == "ceiling" else "#5b7fb5"
            out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{html.escape(TITLES[name])}</text>')
            bar = max(1, width * one[name]["per_second"] / most)
            out.append(f'<rect x="{left}" y="{y}" width="{bar:.1f}" height="{height - 8}" fill="{fill}"/>'
                       f'<text x="{left + bar + 5:.1f}" y="{y + 14}">{number(one[name]["per_second"])}</text>')
            if name in tails:
                bar = 20 + (width - 40) * (math.log10(tails[name]) - low) / max(high - low, 1e-9)
                out.append(f'<rect x="{left + 390}" y="{y}" width="{bar:.1f}" height="{height - 8}" fill="{fill}"/>'
                           f'<text x="{left + 395 + bar:.1f}" y="{y + 14}">{number(tails[name])}</text>')
        out.append("</svg>\n")
        return "\n".join(out)


def write(result):
    report = Report(result)
    (ROOT / "build/bench.md").write_text(report.markdown())
    if "json1.c32" in report.http:
        (ROOT / "build/bench.svg").write_text(report.svg())
        (ROOT / "build/bench-ratios.md").write_text(report.ratios())
    if report.rows:
        (ROOT / "build/bench-rows.md").write_text(report.tables())
    if report.great:
        (ROOT / "build/bench-great.md").write_text(report.great_requests())
    if "core" in report.train:
        (ROOT / "build/bench-train.md").write_text(report.training())


def replace(text, begin, end, path):
    before, rest = text.split(begin)
    return before + begin + "\n" + path.read_text() + end + rest.split(end)[1]


def publish(result):
    readme, page = ROOT / "README.md", ROOT / "docs/performance.md"
    text = page.read_text()
    if "http" in result:
        text = replace(text, BEGIN, END, ROOT / "build/bench.md")
    if "json1.c32" in result.get("http", {}):
        (ROOT / "docs/performance.svg").write_text((ROOT / "build/bench.svg").read_text())
        readme.write_text(replace(readme.read_text(), RATIOS_BEGIN, RATIOS_END, ROOT / "build/bench-ratios.md"))
    if "rows" in result:
        text = replace(text, ROWS_BEGIN, ROWS_END, ROOT / "build/bench-rows.md")
    if "great" in result:
        text = replace(text, GREAT_BEGIN, GREAT_END, ROOT / "build/bench-great.md")
    if "train" in result:
        text = replace(text, TRAIN_BEGIN, TRAIN_END, ROOT / "build/bench-train.md")
    page.write_text(text)


if __name__ == "__main__":
    measured = json.loads((ROOT / "build/bench.json").read_text())
    write(measured)
    if "--publish" in sys.argv[1:]:
        publish(measured)
