"""The properties of ``Custom::LatticeIngress``: what is wanted, or all problems of the request together.

CloudFormation hands every scalar over as text, whatever it was in the template.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ecs_lattice.ingress.model import AllowedPorts, PortRange
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True)
class RequiredIngress:
    """Security groups that VPC Lattice is let into. Without ``families``, those that exist in the Region."""

    group_ids: tuple[str, ...]
    ports: tuple[PortRange, ...]
    families: tuple[AddressFamily, ...] = ()
    description: str = ""

    def openings(self, existing: Sequence[AddressFamily]) -> tuple[AllowedPorts, ...]:
        """What every group needs, where ``existing`` are the families of the Region."""
        return tuple(
            sorted(AllowedPorts(family, ports) for family in self.families or existing for ports in self.ports)
        )


def read(properties: Mapping[str, Any]) -> RequiredIngress | tuple[Problem, ...]:
    """What the properties ask for, or everything that is wrong with them."""
    problems = list(_unknown(properties))
    group_ids = _each(properties, "SecurityGroupIds", _group_id, problems, required=True)
    ports = _each(properties, "Ports", _ports, problems, required=True)
    families = _each(properties, "AddressFamilies", _family, problems)
    description = _each(properties, "Description", _description, problems)
    if len(description) > 1:
        problems.append(_problem("Description", properties["Description"], "one text, not a list."))
    if problems:
        return tuple(problems)
    return RequiredIngress(group_ids, ports, families, "".join(description))


def group_ids_in(*properties: Mapping[str, Any]) -> frozenset[str]:
    """Every security-group id in properties that may be wrong otherwise: what a Delete has to look at."""
    values = (value for one in properties for value in _listed(one.get("SecurityGroupIds")))
    return frozenset(value for value in values if isinstance(value, str) and _GROUP_ID.fullmatch(value))


_GROUP_ID = re.compile(r"sg-[0-9a-f]{8,17}")
_PORTS = re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?")
_DESCRIPTION = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")  # Amazon EC2 API, IpRange and its like
_LAST_PORT = 65535
_KNOWN = ("SecurityGroupIds", "Ports", "AddressFamilies", "Description")
_OF_CLOUDFORMATION = ("ServiceToken", "ServiceTimeout")
_NEAR = 0.6
_FAMILIES: dict[str, AddressFamily] = {"IPV4": "IPV4", "IPV6": "IPV6"}


def _unknown(properties: Mapping[str, Any]) -> Iterator[Problem]:
    for name in sorted(set(properties) - {*_KNOWN, *_OF_CLOUDFORMATION}):
        lower = {known.lower(): known for known in _KNOWN}
        near = difflib.get_close_matches(name.lower(), sorted(lower), n=1, cutoff=_NEAR)
        hint = f"did you mean {lower[near[0]]}?" if near else f"known are {', '.join(_KNOWN)}."
        yield Problem("UNKNOWN_PROPERTY", hint, key=name, value=_shown(properties[name]))


def _each[T](
    properties: Mapping[str, Any],
    name: str,
    parse: Callable[[str], T],
    problems: list[Problem],
    *,
    required: bool = False,
) -> tuple[T, ...]:
    """The elements of a property that is a list or one value, each once and in order; what is wrong goes to ``problems``."""
    parsed: list[T] = []
    values = _listed(properties.get(name))
    if required and not values:
        problems.append(Problem("MISSING_PROPERTY", f"at least one is needed: {_ALLOWED[name]}", key=name))
    for value in values:
        try:
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise ValueError(_ALLOWED[name])  # noqa: TRY004, TRY301  one way to say what is allowed
            parsed.append(parse(str(value)))
        except ValueError as error:
            problems.append(_problem(name, value, str(error)))
    return tuple(sorted(set(parsed), key=str) if name != "Ports" else sorted(set(cast("list[Any]", parsed))))


_ALLOWED = {
    "SecurityGroupIds": "ids of security groups such as sg-0123456789abcdef0.",
    "Ports": "TCP ports from 1 to 65535 such as 8080, or ranges such as 8000-8010.",
    "AddressFamilies": "IPv4, IPv6 or both.",
    "Description": "up to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*",
}


def _listed(value: Any) -> list[Any]:
    if value is None or value in ("", []):
        return []
    return list(value) if isinstance(value, list) else [value]


def _problem(name: str, value: Any, message: str) -> Problem:
    return Problem("BAD_PROPERTY", message, key=name, value=_shown(value))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


_SHOWN = 80


def _group_id(text: str) -> str:
    if not _GROUP_ID.fullmatch(text):
        raise ValueError(_ALLOWED["SecurityGroupIds"])
    return text


def _ports(text: str) -> PortRange:
    match = _PORTS.fullmatch(text)
    if not match:
        raise ValueError(_ALLOWED["Ports"])
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= _LAST_PORT:
        raise ValueError(_ALLOWED["Ports"] + (" The first port of a range is the lower one." if first > last else ""))
    return PortRange(first, last)


def _family(text: str) -> AddressFamily:
    if text.upper() not in _FAMILIES:
        raise ValueError(_ALLOWED["AddressFamilies"])
    return _FAMILIES[text.upper()]


def _description(text: str) -> str:
    if not _DESCRIPTION.fullmatch(text):
        raise ValueError(_ALLOWED["Description"])
    return text
