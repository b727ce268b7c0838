"""What functions print is CloudWatch's embedded metric format, with the one set of dimensions and no other."""

import json
import time

import pytest

from ecs_lattice.aws.metrics import EmfMetrics

ROUTE = {"LatticeService": "orders", "EcsService": "shop/orders", "Route": "default"}


@pytest.fixture
def printed(capsys, monkeypatch):
    """The lines printed so far, as data; the function's environment names a service, as the template's does."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "target_health")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SomethingElse")
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_route_is_one_line_with_one_set_of_three_dimensions(printed):
    EmfMetrics().publish(ROUTE, {"Impaired": 0.0}, {"Healthy": 2.0})
    (line,) = printed()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "EcsLattice"
    assert directive["Dimensions"] == [list(ROUTE)]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"Impaired"}  # each is billed
    assert {name: line[name] for name in ROUTE} == ROUTE
    assert (line["Healthy"], line["Impaired"]) == (2.0, [0.0])
    assert set(line) == {"_aws", *ROUTE, "Healthy", "Impaired"}


def test_a_value_may_be_of_a_minute_before(printed):
    at = int(time.time()) - 300
    EmfMetrics().publish(ROUTE, {"Impaired": 0.0}, at=float(at))
    (line,) = printed()
    assert line["_aws"]["Timestamp"] == at * 1000
    assert set(line) == {"_aws", *ROUTE, "Impaired"}


def test_each_line_stands_alone(printed):
    metrics = EmfMetrics()
    metrics.publish(ROUTE, {}, {"Unknown": 1.0})
    metrics.publish({"Owner": "stack"}, {"Heartbeat": 1.0})
    first, second = printed()
    assert first == {**ROUTE, "Unknown": 1.0}  # without a metric
    assert second["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Owner"]]
    assert "Unknown" not in second
    assert "Route" not in second
