"""Prometheus: every family of /metrics by prometheus_client's own parsers, before and after requests of each kind."""
import json
import urllib.error

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

import common

# What Prometheus sends by itself.
ACCEPT = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
          "text/plain;version=0.0.4;q=0.2,*/*;q=0.1")


def samples(families):
    found = {}
    for family in families:
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation, family
        assert not family.unit or family.name.endswith(f"_{family.unit}"), family
        for one in family.samples:
            key = (one.name, tuple(sorted(one.labels.items())))
            assert key not in found and one.exemplar is None and one.timestamp is None, key
            found[key] = one.value
    return found


def without_form(found):
    """Bounds as numbers: 1.0 and 1 are the same one."""
    return {(name, tuple((key, float(value) if key == "le" else value) for key, value in labels)): value
            for (name, labels), value in found.items()}


def P1_metrics_are_valid():
    new = samples(openmetrics(common.ask("/metrics", headers={"Accept": ACCEPT}).decode()))
    old = samples(text(common.ask("/metrics").decode()))
    moves = {key for key in without_form(new) if key[0].startswith(("relud_requests", "relud_request_duration"))}
    assert len(new) > 100 and set(without_form(new)) - moves == set(without_form(old)) - moves
    return new


P1_metrics_are_valid()
row = json.dumps({"inputs": [common.DIGIT]}).encode()
for path, body in (("/predict", row), ("/predict", b"{"), ("/relu", b'{"input":[1]}'), ("/nowhere", None), ("/v2/models/nope", None),
                   ("/v1/models/digits:predict", json.dumps({"instances": [common.DIGIT] * 40}).encode()), ("/v2/models/digits/activations", None)):
    try:
        common.ask(path, body)
    except urllib.error.HTTPError:
        pass
after = P1_metrics_are_valid()
assert after["relud_rows_total", (("model", "digits"), ("version", "1"))] == 41, after
assert after["relud_requests_total", (("code", "400"), ("endpoint", "predict"))] == 1
assert after["relud_request_duration_seconds_bucket", (("endpoint", "predict"), ("le", "2.5"))] == 2
