"""How much of VPC Lattice's quotas is used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.doctor.findings import NOT_OK, OK, Finding, skipped
from ecs_lattice_cli.errors import CommandError

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

_NEARLY_USED = 0.9


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota by its code; ``operation`` lists what counts towards it."""

    code: str
    what: str
    operation: str


REGIONAL = (
    Quota("L-620C821E", "Lattice services", "list_services"),
    Quota("L-BB11C6B9", "target groups", "list_target_groups"),
)
"""Codes: Service Quotas, service vpc-lattice."""
RULES = Quota("L-CF78395E", "rules of a listener", "list_rules")


def quotas(stack: "Stack", status: Mapping[str, Any]) -> Iterator[Finding]:
    """Lattice services and target groups of the Region, and the rules of the fullest listener of the stack."""
    for quota in REGIONAL:
        yield _finding(stack, quota, partial(_counted, stack, quota.operation))
    arns = [each["arn"] for each in status["latticeServices"] if each.get("arn")]
    if arns:
        yield _finding(stack, RULES, lambda: _fullest(stack, arns))


def _finding(stack: "Stack", quota: Quota, used: Callable[[], tuple[int, str]]) -> Finding:
    thing = "quotas"
    try:
        with explained():
            limit = int(
                stack.client("service-quotas").get_service_quota(ServiceCode="vpc-lattice", QuotaCode=quota.code)[
                    "Quota"
                ]["Value"]
            )
        count, where = used()
    except CommandError as error:
        return skipped(thing, error)
    fact = f"{quota.what}: {count} of {limit} used, {max(limit - count, 0)} left{where}"
    if count < limit * _NEARLY_USED:
        return Finding(thing, OK, fact)
    command = "aws service-quotas request-service-quota-increase --service-code vpc-lattice"
    return Finding(thing, NOT_OK, fact, f"{command} --quota-code {quota.code} --desired-value {limit * 2}")


def _fullest(stack: "Stack", arns: list[str]) -> tuple[int, str]:
    """The rules of the listener that has most, and which it is. A default rule is not counted (unconfirmed: the guide does
    not say)."""
    most, where = 0, ""
    for service in arns:
        for listener in _all(stack, "list_listeners", serviceIdentifier=service):
            rules = _all(stack, "list_rules", serviceIdentifier=service, listenerIdentifier=listener["arn"])
            count = sum(not rule.get("isDefault") for rule in rules)
            if count > most:
                most, where = count, f" ({listener['name']} of {service.rpartition('/')[2]})"
    return most, where


def _counted(stack: "Stack", operation: str) -> tuple[int, str]:
    """How many there are of this account; what others share counts towards their quota."""
    account = stack.output("IngressServiceToken").split(":")[4] if "IngressServiceToken" in stack.outputs else ""
    found = _all(stack, operation)
    return sum(not account or each["arn"].split(":")[4] == account for each in found), ""


def _all(stack: "Stack", operation: str, **parameters: str) -> list[Mapping[str, Any]]:
    with explained():
        pages = stack.client("vpc-lattice").get_paginator(operation).paginate(**parameters)
        return [each for page in pages for each in page["items"]]
