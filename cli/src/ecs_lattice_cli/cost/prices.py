"""List prices in USD and the day on which they were read. They are no offer: docs/costs.md has the sources."""

from dataclasses import dataclass

READ_ON = "2026-11-27"
HOURS = 730
"""Of a month, as AWS's price pages count."""
FREE_REQUESTS = 300_000
"""Of a Lattice service in an hour (Amazon VPC Lattice pricing; for each service: inferred from its example)."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one Region: a Lattice service an hour, a GB of requests and responses, a million requests beyond the free ones; an
    Application Load Balancer an hour, and a capacity unit (LCU) an hour."""

    service_hour: float
    gigabyte: float
    million_requests: float
    balancer_hour: float
    capacity_hour: float


DEFAULT_REGION = "us-east-1"
"""Whose prices stand for those of a Region that is not listed."""
REGIONS = {
    DEFAULT_REGION: Prices(0.025, 0.025, 0.10, 0.0225, 0.008),
    "ap-northeast-1": Prices(0.0325, 0.0325, 0.13, 0.0243, 0.008),
}
"""VPC Lattice: AWS's price list, quoted by third parties. Load balancers: unconfirmed."""
CAPACITY_GIGABYTES = 1.0
"""That one LCU takes in an hour, of targets that are no functions (Elastic Load Balancing pricing)."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the stack costs a month: that of the stack, and more for each route."""

    what: str
    stack: float
    route: float


STACK = (
    Part("metrics", 0.30, 0.015),
    Part("alarms", 2.40, 0.10),
    Part("dashboard", 3.00, 0.0),
    Part("logs", 0.02, 0.00258),
    Part("registry", 0.0, 0.0103),
    Part("functions", 0.37, 0.00263),
    Part("queues", 1.16, 0.00444),
)
"""The estimate of docs/costs.md (us-east-1; every route with an alarm)."""


def of(region: str) -> tuple[str, Prices]:
    """The Region whose prices are used for ``region``, and they."""
    used = region if region in REGIONS else DEFAULT_REGION
    return used, REGIONS[used]
