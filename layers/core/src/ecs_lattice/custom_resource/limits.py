"""How much one custom resource may open. What was live already stays allowed, so that no rollback and no update of something
else fails because of a limit that came later."""

from collections.abc import Collection, Iterator

from ecs_lattice.custom_resource.properties import IngressProperties
from ecs_lattice.ingress.model import PortRange
from ecs_lattice.outcome import Problem

MOST_GROUPS = 20
MOST_PORT_RANGES = 20


def exceeded(desired: IngressProperties, live: Collection[IngressProperties]) -> Iterator[Problem]:
    """The limits that ``desired`` exceeds by more than any of the ``live`` properties does."""
    groups, ports = set(desired.group_ids), desired.ports
    if len(groups) > MOST_GROUPS and not any(groups <= set(known.group_ids) for known in live):
        yield _problem("SecurityGroupIds", len(groups), f"{MOST_GROUPS} security groups")
    if len(ports) > MOST_PORT_RANGES and not any(_contains(known.ports, ports) for known in live):
        yield _problem("Ports", len(ports), f"{MOST_PORT_RANGES} ports and ranges; write adjacent ports as a range")


def _contains(known: Collection[PortRange], ports: Collection[PortRange]) -> bool:
    return all(any(allowed.first <= port.first and port.last <= allowed.last for allowed in known) for port in ports)


def _problem(name: str, count: int, most: str) -> Problem:
    return Problem(
        "TOO_MANY_VALUES", f"a resource may have at most {most}. Divide it into several.", name, f"{count} values"
    )
