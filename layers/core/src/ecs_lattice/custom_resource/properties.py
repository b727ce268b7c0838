"""The properties of ``Custom::LatticeIngress``: the desired ingress, or all problems of the request together.

CloudFormation passes every scalar as text, whatever its type in the template.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecs_lattice.ingress.model import AllowedPorts, PortRange
from ecs_lattice.model import AddressFamily
from ecs_lattice.outcome import Problem

_PATTERNS = {
    "SecurityGroupIds": re.compile(r"sg-[0-9a-f]{8,17}"),
    "Ports": re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?"),
    "AddressFamilies": re.compile(r"IPv[46]", re.IGNORECASE),
    "Description": re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}"),  # Amazon EC2 API, IpRange and similar
    "AllowDefaultSecurityGroup": re.compile(r"true|false", re.IGNORECASE),
}
_ALLOWED = {
    "SecurityGroupIds": "IDs of security groups such as sg-0123456789abcdef0.",
    "Ports": "TCP ports from 1 to 65535 such as 8080, or ranges such as 8000-8010.",
    "AddressFamilies": "IPv4, IPv6 or both.",
    "Description": "up to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*",
    "AllowDefaultSecurityGroup": "true or false.",
}
_REQUIRED = ("SecurityGroupIds", "Ports")
_SINGLE = ("Description", "AllowDefaultSecurityGroup")
_OF_CLOUDFORMATION = ("ServiceToken", "ServiceTimeout")
_SPELLINGS = {"AddressFamilies": str.upper, "AllowDefaultSecurityGroup": str.lower}
_LAST_PORT = 65535
_SIMILARITY = 0.6
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class IngressProperties:
    """The ports to open in every one of the groups; without ``families`` for those of the Region. ``default_allowed``: also in
    a default security group of a VPC."""

    group_ids: tuple[str, ...] = ()
    ports: tuple[PortRange, ...] = ()
    families: tuple[AddressFamily, ...] = ()
    description: str = ""
    default_allowed: bool = False

    def allowed_ports(self, existing: Sequence[AddressFamily]) -> tuple[AllowedPorts, ...]:
        """The ports to open in each group, where ``existing`` are the families of the Region. Sorted."""
        return tuple(
            sorted(AllowedPorts(family, ports) for family in self.families or existing for ports in self.ports)
        )


def read(properties: Mapping[str, Any]) -> IngressProperties | tuple[Problem, ...]:
    """The desired ingress, or all problems of the properties."""
    problems = list(_unknown(properties))
    values = {name: _values(properties, name, problems) for name in _PATTERNS}
    lists = [name for name in _SINGLE if len(values[name]) > 1]
    problems += [_problem(name, properties[name], "one value, not a list.") for name in lists]
    if problems:
        return tuple(problems)
    group_ids, ports, families, description, default_allowed = values.values()
    return IngressProperties(group_ids, ports, families, "".join(description), default_allowed == ("true",))


def group_ids_in(*properties: Mapping[str, Any]) -> frozenset[str]:
    """Every security-group ID in properties that may otherwise be invalid: the groups that a Delete has to close."""
    values = (value for version in properties for value in _listed(version.get("SecurityGroupIds")))
    pattern = _PATTERNS["SecurityGroupIds"]
    return frozenset(value for value in values if isinstance(value, str) and pattern.fullmatch(value))


def _unknown(properties: Mapping[str, Any]) -> Iterator[Problem]:
    known = {name.lower(): name for name in _PATTERNS}
    for name in sorted(properties.keys() - {*_PATTERNS, *_OF_CLOUDFORMATION}):
        near = difflib.get_close_matches(name.lower(), sorted(known), n=1, cutoff=_SIMILARITY)
        hint = f"did you mean {known[near[0]]}?" if near else f"allowed are {', '.join(_PATTERNS)}."
        yield Problem("UNKNOWN_PROPERTY", hint, key=name, value=_shown(properties[name]))


def _values(properties: Mapping[str, Any], name: str, problems: list[Problem]) -> tuple[Any, ...]:
    """The elements of a property that is a list or a single value, distinct and sorted. Adds what is wrong to ``problems``."""
    given, parsed = _listed(properties.get(name)), set()
    if name in _REQUIRED and not given:
        problems.append(Problem("MISSING_PROPERTY", f"at least one is required: {_ALLOWED[name]}", key=name))
    for value in given:
        try:
            parsed.add(_parse(name, value))
        except ValueError as error:
            problems.append(_problem(name, value, str(error)))
    return tuple(sorted(parsed))


def _parse(name: str, value: Any) -> Any:
    """One element. Raises ValueError that says what is allowed."""
    is_scalar = isinstance(value, str | int) and not isinstance(value, bool)
    match = _PATTERNS[name].fullmatch(str(value)) if is_scalar else None
    if match is None:
        raise ValueError(_ALLOWED[name])
    if name != "Ports":
        return _SPELLINGS.get(name, str)(match[0])
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= _LAST_PORT:
        raise ValueError(_ALLOWED[name] + (" The first port of a range is the lower one." if first > last else ""))
    return PortRange(first, last)


def _listed(value: Any) -> list[Any]:
    if value in (None, "", []):
        return []
    return list(value) if isinstance(value, list) else [value]


def _problem(name: str, value: Any, message: str) -> Problem:
    return Problem("BAD_PROPERTY", message, key=name, value=_shown(value))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
