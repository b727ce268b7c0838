"""Requests and bytes of Lattice services by the hour, as CloudWatch has them.

Metrics: VPC Lattice User Guide, CloudWatch metrics. Those of a service have no bytes, so the bytes are those of its target groups.
Whether a dimension has the id, the name or the ARN is not said there, so each is looked for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli.aws_errors import explained

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

DAYS = 30
_HOUR = 3600
_NAMESPACE = "AWS/VpcLattice"
_BYTES = ("TotalReceivedConnectionBytes", "TotalSentConnectionBytes")
_REQUESTS = "TotalRequestCount"
_MOST_QUERIES = 500  # of a call (Amazon CloudWatch API, GetMetricData)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one Lattice service in the last ``DAYS`` days: requests by the hour (its beginning), and bytes."""

    requests: Counter[float] = field(default_factory=Counter)
    bytes: float = 0.0


def read(stack: "Stack", services: Sequence[Data], now: float) -> dict[str, Usage]:
    """The usage of each of ``services`` (``name``, ``arn``), by ARN. A service without metrics had no traffic: VPC Lattice
    publishes them from the first on. CommandError if they cannot be read."""
    groups = _groups(stack)
    owners = {("Service", name): each["arn"] for each in services for name in _names(each)}
    owners |= {("TargetGroup", name): arn for group in groups for arn in group["serviceArns"] for name in _names(group)}
    wanted = [(metric, owner) for metric in _metrics(stack) if (owner := owners.get(_dimension(metric)))]
    requests: defaultdict[str, Counter[float]] = defaultdict(Counter)
    sent: Counter[str] = Counter()
    for (metric, owner), at, value in _sums(stack, wanted, now):
        if metric["MetricName"] == _REQUESTS:
            requests[owner][at] += round(value)
        else:
            sent[owner] += round(value)
    return {each["arn"]: Usage(requests[each["arn"]], float(sent[each["arn"]])) for each in services}


def _names(each: Data) -> set[str]:
    return {each["arn"], each["arn"].rpartition("/")[2], each["name"]}


def _groups(stack: "Stack") -> list[Data]:
    with explained():
        pages = stack.client("vpc-lattice").get_paginator("list_target_groups").paginate()
        return [group for page in pages for group in page["items"] if group.get("serviceArns")]


def _metrics(stack: "Stack") -> list[Data]:
    """The metrics that count: requests of services, bytes of target groups; each once, not by zone."""
    with explained():
        pages = stack.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=_NAMESPACE)
        found = [metric for page in pages for metric in page["Metrics"]]
    kinds = {("Service", _REQUESTS), *(("TargetGroup", name) for name in _BYTES)}
    return [
        metric for metric in found
        if len(metric["Dimensions"]) == 1 and (metric["Dimensions"][0]["Name"], metric["MetricName"]) in kinds
    ]  # fmt: skip


def _dimension(metric: Data) -> tuple[str, str]:
    (only,) = metric["Dimensions"]
    return only["Name"], only["Value"]


def _sums(
    stack: "Stack", wanted: Sequence[tuple[Data, str]], now: float
) -> Iterator[tuple[tuple[Data, str], float, float]]:
    """Each of ``wanted`` with the beginning of an hour and the sum of that hour."""
    end = now - now % _HOUR + _HOUR
    with explained():
        cloudwatch = stack.client("cloudwatch")
        for some in batched(wanted, _MOST_QUERIES, strict=False):
            asked = [
                {"Id": f"m{number}", "MetricStat": {"Metric": _asked(metric), "Period": _HOUR, "Stat": "Sum"}}
                for number, (metric, _) in enumerate(some)
            ]
            pages = cloudwatch.get_paginator("get_metric_data").paginate(
                StartTime=end - DAYS * 24 * _HOUR, EndTime=end, MetricDataQueries=asked
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    one = some[int(result["Id"][1:])]
                    for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                        yield one, at.timestamp(), value


def _asked(metric: Data) -> Data:
    return {name: metric[name] for name in ("Namespace", "MetricName", "Dimensions")}
