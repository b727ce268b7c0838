"""Usage and prices to USD a month. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecs_lattice_cli.cost.prices import CAPACITY_GIGABYTES, FREE_REQUESTS, HOURS, STACK, Prices
from ecs_lattice_cli.cost.usage import DAYS, Usage

type Data = dict[str, Any]

_GIGABYTE = 1e9
_MONTH = HOURS / (DAYS * 24)
"""What was used in ``DAYS`` days, in a month."""


def of_service(usage: Usage | None, prices: Prices) -> Data:
    """A Lattice service: what a month has of requests and GB (None: not known, and then not in the sums), and its costs."""
    requests = None if usage is None else sum(usage.requests.values()) * _MONTH
    gigabytes = None if usage is None else usage.bytes / _GIGABYTE * _MONTH
    beyond = sum(max(count - FREE_REQUESTS, 0) for count in usage.requests.values()) * _MONTH if usage else 0.0
    costs = {
        "hours": HOURS * prices.service_hour,
        "data": (gigabytes or 0.0) * prices.gigabyte,
        "requests": beyond / 1e6 * prices.million_requests,
    }
    return {
        "requestsPerMonth": None if requests is None else round(requests),
        "gigabytesPerMonth": gigabytes,
        "monthly": {**costs, "total": sum(costs.values())},
        "loadBalancer": load_balancer(gigabytes or 0.0, prices),
    }


def load_balancer(gigabytes: float, prices: Prices) -> float:
    """An Application Load Balancer with this traffic. Its capacity units are counted by bytes alone: connections and rules
    can only make it more."""
    return HOURS * prices.balancer_hour + gigabytes / CAPACITY_GIGABYTES * prices.capacity_hour


def of_stack(routes: int) -> Data:
    """The stack itself with this many routes."""
    parts = [{"what": part.what, "monthly": part.stack + part.route * routes} for part in STACK]
    return {"routes": routes, "parts": parts, "total": sum(part["monthly"] for part in parts)}


def balancers(services: Sequence[Mapping[str, Any]], prices: Prices) -> Data:
    """One load balancer for each Lattice service, and one for all of them."""
    gigabytes = sum(each["gigabytesPerMonth"] or 0.0 for each in services)
    return {
        "each": sum(each["loadBalancer"] for each in services),
        "one": load_balancer(gigabytes, prices) if services else 0.0,
    }
