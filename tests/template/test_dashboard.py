"""The dashboard: traffic first, then routes, the stack's own last; and everything in it exists."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_lattice import refusals
from ecs_lattice.health import metric_names
from local_aws.monitoring import dashboards
from tests.template import aws_metrics
from tests.template.resolution import resolved
from tests.template.translation import ROOT

LAYER = ROOT / "layers" / "core" / "src" / "ecs_lattice"
# Amazon CloudWatch User Guide, CloudWatch service quotas.
MOST_METRICS, MOST_WIDGETS = 500, 500
TRAFFIC = [
    "Requests, by Lattice service",
    "Responses with 5xx, by Lattice service",
    "Healthy targets, by route",
    "Latency (ms), by Lattice service",
    "Connection errors and timeouts, by target group and Lattice service",
]
ROUTES = [
    "Impaired routes: 1 while a route is impaired",
    "Refused and conflicted routes, as of the last resync",
    "Routes with targets that do not answer, newest first",
    "Refusals and failures, newest first",
]
SEARCH = re.compile(
    r"(?:SORT\()?SEARCH\('\{([^}]*)\} MetricName=\"(\w+)\"', '(\w+)', 60\)(?:, (?:MAX|SUM), DESC, (\d+)\))?"
)
# Logs Insights: commands, functions and operators that the queries use.
WORDS = {
    *(
        "SOURCE",
        "filter",
        "stats",
        "by",
        "as",
        "sort",
        "asc",
        "desc",
        "limit",
        "fields",
        "parse",
        "in",
        "and",
        "or",
        "like",
    ),
    *("latest", "sum", "ispresent", "strcontains", "bin", "now", "toMillis"),
}


@pytest.fixture(scope="module")
def body(of) -> str:
    (found,) = of.type("AWS::CloudWatch::Dashboard").values()
    return str(resolved(found["DashboardBody"]))


@pytest.fixture(scope="module")
def dashboard(body) -> list[dict[str, Any]]:
    """The widgets."""
    return list(json.loads(body)["widgets"])


@pytest.fixture(scope="module")
def alarms(of) -> dict[str, dict[str, Any]]:
    return {key: resolved(alarm) for key, alarm in of.type("AWS::CloudWatch::Alarm").items()}


def metrics(dashboard: list[dict[str, Any]]) -> list[list[Any]]:
    """The metrics that are named, without the searches."""
    return [metric for metric in _shown(dashboard) if not isinstance(metric[0], dict)]


def searches(dashboard: list[dict[str, Any]]) -> list[tuple[str, tuple[str, ...], str, str, dict[str, Any]]]:
    """Namespace, dimensions, metric and statistic of each search, and its other members."""
    found = []
    for (search,) in [metric for metric in _shown(dashboard) if isinstance(metric[0], dict)]:
        match = SEARCH.fullmatch(search["expression"])
        assert match, search["expression"]
        namespace, *dimensions = match[1].split(",")
        found.append((namespace, tuple(dimensions), match[2], match[3], search))
    return found


def _shown(dashboard: list[dict[str, Any]]) -> list[list[Any]]:
    return [metric for widget in dashboard if widget["type"] == "metric" for metric in widget["properties"]["metrics"]]


def queries(dashboard: list[dict[str, Any]]) -> dict[str, str]:
    """The queries of the log widgets, by title."""
    return {
        widget["properties"]["title"]: widget["properties"]["query"] for widget in dashboard if widget["type"] == "log"
    }


def test_the_body_is_one_that_cloudwatch_takes(body, dashboard):
    assert list(dashboards.problems(body)) == []
    assert len(dashboard) <= MOST_WIDGETS
    for widget in dashboard:
        assert len(widget["properties"].get("metrics", ())) <= MOST_METRICS


def test_traffic_comes_first_and_the_stacks_own_last(dashboard):
    at = {widget["properties"]["title"]: (widget["y"], widget["x"]) for widget in dashboard}
    assert sorted(at, key=lambda title: at[title])[: len(TRAFFIC)] == TRAFFIC
    own = set(at) - {*TRAFFIC, *ROUTES}
    assert "The stack's own alarms" in own
    assert max(at[title] for title in TRAFFIC) < min(at[title] for title in ROUTES)
    assert max(at[title][0] for title in ROUTES) < min(at[title][0] for title in own)


def test_traffic_is_shown_beside_the_healthy_targets(dashboard):
    rows = {widget["properties"]["title"]: range(widget["y"], widget["y"] + widget["height"]) for widget in dashboard}
    assert set(rows["Healthy targets, by route"]) == {row for title in TRAFFIC for row in rows[title]}


def test_the_widgets_lie_side_by_side_on_the_grid_of_24_columns(dashboard):
    taken: set[tuple[int, int]] = set()
    for widget in dashboard:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len(taken) % 24 == 0, "there is a gap"


def test_the_dashboard_shows_all_alarms_of_the_stack(dashboard, alarms):
    (status,) = [widget["properties"] for widget in dashboard if widget["type"] == "alarm"]
    assert sorted(status["alarms"]) == sorted(f"<{key}.Arn>" for key in alarms)
    assert len(status["alarms"]) <= 100  # CloudWatch API, alarm status widget


def test_every_metric_of_aws_is_one_that_aws_publishes(dashboard):
    """Everything that is named or searched for, against the table with its source."""
    named = {(metric[0], (metric[2],), metric[1]) for metric in metrics(dashboard)}
    asked = {(namespace, dimensions, name) for namespace, dimensions, name, _, _ in searches(dashboard)} | named
    of_aws = {one for one in asked if one[0] != metric_names.NAMESPACE}
    assert {namespace for namespace, _, _ in of_aws} == set(aws_metrics.METRICS) == set(aws_metrics.SOURCES)
    for namespace, dimensions, name in of_aws:
        assert name in aws_metrics.METRICS[namespace][dimensions]


def test_every_metric_of_ours_is_one_that_the_probe_publishes(dashboard):
    published = {
        (metric_names.IMPAIRED, (metric_names.LATTICE_SERVICE, metric_names.ECS_SERVICE, metric_names.ROUTE)),
        (metric_names.HEARTBEAT, (metric_names.OWNER,)),
    }
    named = {(metric[1], (metric[2],)) for metric in metrics(dashboard) if metric[0] == metric_names.NAMESPACE}
    searched = {(name, found) for space, found, name, _, _ in searches(dashboard) if space == metric_names.NAMESPACE}
    assert named | searched == published
    assert {name for name, _ in published} <= emitted()


def emitted() -> set[str]:
    """The metrics and members whose names the probe, and what it publishes, use."""
    files = [path for path in (LAYER / "health").glob("*.py") if path.name != "metric_names.py"]
    used = {
        node.attr
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "metric_names"
    }
    names = {getattr(metric_names, name) for name in used if isinstance(getattr(metric_names, name), str)}
    return {*names, *metric_names.BY_STATUS}


def test_a_search_shows_what_it_found_by_its_dimensions(dashboard):
    found = searches(dashboard)
    assert len({search["id"] for *_, search in found}) == len(found)
    for _, dimensions, _, _, search in found:
        assert re.fullmatch(r"[a-z]\w*", search["id"])
        assert set(re.findall(r"\$\{PROP\('Dim\.(\w+)'\)\}", search["label"])) == set(dimensions)


def test_lattice_services_beyond_number_leave_the_graphs_readable(dashboard):
    for namespace, _, _, _, search in searches(dashboard):
        if namespace == "AWS/VpcLattice":
            assert int(SEARCH.fullmatch(search["expression"])[4]) <= 20


def test_every_field_of_a_query_is_one_that_is_logged(dashboard):
    known = {"@timestamp", "level", "message", *logged(), *emitted(), *metric_names.dimensions("", "", "")}
    for title, query in queries(dashboard).items():
        assert fields(query) - known == set(), title


def logged() -> set[str]:
    """The members that calls of the logger give to a line."""
    files = [*LAYER.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    return {str(keyword.arg) for path in files for call in calls_of_logger(path) for keyword in call.keywords}


def calls_of_logger(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger."):
            yield node


def fields(query: str) -> set[str]:
    """The fields that a query reads: its words without what it makes itself, texts, patterns and the language's."""
    parsed = {
        word for names in re.findall(r"parse message '[^']*' as ([\w, ]+)", query) for word in re.findall(r"\w+", names)
    }
    made = {*re.findall(r" as (\w+)", query), *parsed}
    words = re.findall(r"@?[A-Za-z_]\w*", re.sub(r"'[^']*'|/[^/]*/|\d+\w", "", query))
    return set(words) - made - WORDS


def test_a_field_that_nobody_logs_is_found():
    assert fields("SOURCE 'x' | filter message like /^a/ and b > 0 | stats latest(c) as d by e | sort d desc") == {
        "message",
        "b",
        "c",
        "e",
    }


def test_refused_and_conflicted_routes_are_taken_from_the_lines_of_the_resync(dashboard, source):
    query = queries(dashboard)["Refused and conflicted routes, as of the last resync"]
    (pattern,) = re.findall(r"parse message '([^']*)'", query)
    assert pattern == refusals.LINE.replace("%s", "*")
    assert f"limit {refusals.MOST_LINES}" in query
    assert re.search(r"like /(.*?)/", query)[1] == "^" + refusals.LINE.partition(" ")[0] + " "
    assert re.findall(r"SOURCE '<(\w+)>'", query) == ["ResyncLogGroup"]
    # No older than the resync before the last one, which is every 15 minutes, and its time.
    (schedule,) = source["Resources"]["ResyncFunction"]["Properties"]["Events"].values()
    assert schedule["Properties"]["Schedule"] == "rate(15 minutes)"
    (milliseconds,) = re.findall(r"toMillis\(@timestamp\) > now\(\) \* 1000 - (\d+)", query)
    assert 15 * 60_000 < int(milliseconds) < 2 * 15 * 60_000


def test_every_metric_of_ours_has_an_alarm(dashboard, alarms):
    """CloudWatch bills them; what nobody watches stands in the log lines, from which the dashboard takes it."""
    ours = {metric[1] for metric in metrics(dashboard) if metric[0] == metric_names.NAMESPACE}
    watched = {one["MetricName"] for one in alarms.values() if one.get("Namespace") == metric_names.NAMESPACE}
    assert ours == watched == {metric_names.HEARTBEAT}  # and Impaired, which the alarms of the routes watch


def test_the_dashboard_takes_the_targets_by_status_from_the_log(dashboard):
    queries = " ".join(widget["properties"]["query"] for widget in dashboard if widget["type"] == "log")
    assert all(re.search(rf"\b{name}\b", queries) for name in metric_names.BY_STATUS)


def test_the_dashboard_shows_every_function_and_every_queue(dashboard, of):
    shown: dict[str, set[str]] = {}
    for metric in metrics(dashboard):
        if str(metric[0]).startswith("AWS/"):
            shown.setdefault(metric[1], set()).add(metric[3])
    functions = {f"<{key}>" for key in of.type("AWS::Lambda::Function")}
    queues = of.type("AWS::SQS::Queue")
    assert shown == {
        "Errors": functions,
        "Throttles": functions,
        "Duration": functions,
        "ApproximateNumberOfMessagesVisible": {
            f"<{k}.QueueName>" for k, q in queues.items() if "RedrivePolicy" not in q
        },
        "ApproximateAgeOfOldestMessage": {f"<{k}.QueueName>" for k, q in queues.items() if "RedrivePolicy" in q},
    }


def test_every_widget_has_a_title_and_the_region_of_the_stack(dashboard):
    titles = [widget["properties"]["title"] for widget in dashboard]
    assert len(set(titles)) == len(titles)
    assert {w["properties"]["region"] for w in dashboard if w["type"] != "alarm"} == {"<AWS::Region>"}
    for widget in dashboard:
        if widget["type"] == "metric":
            assert widget["properties"]["stat"] in {"Maximum", "Sum", "p99"}


def test_the_log_widget_reads_groups_of_this_stack(dashboard, of):
    for log in [widget["properties"] for widget in dashboard if widget["type"] == "log"]:
        groups = set(re.findall(r"SOURCE '<(\w+)>'", log["query"]))
        assert groups
        assert groups <= set(of.type("AWS::Logs::LogGroup"))
