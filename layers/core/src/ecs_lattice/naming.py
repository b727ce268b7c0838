"""Names of what this stack creates: the same identity always has the same name, two identities never share one.

A name is a readable stem, cut to fit, and always a suffix of 13 characters, even where the stem alone would be unique: 10
characters (50 bits) of the identity's SHA-256, and 3 that check the whole name, so that :func:`is_ours` tells our names
from names that people type. Only the name of a Lattice service is the user's own word: people and DNS rely on it.

Limits and patterns are those of the VPC Lattice API (ServiceName, TargetGroupName, ListenerName, RuleName): lower-case
letters, digits and single hyphens, no hyphen at an end, and not the prefix of ids of the same kind. Target group names have
at most 32 characters, though the API takes 128, because the console cuts them there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_lattice.model import ListenerKey, Placement, Route, ServiceId

SERVICE_NAME_LENGTHS = (3, 40)
TARGET_GROUP_NAME_LIMIT = 32
LISTENER_NAME_LIMIT = 63
RULE_NAME_LIMIT = 63

_IDENTITY_CHARACTERS = 10
_CHECK_CHARACTERS = 3
_SERVICE_NAME = re.compile(r"(?!svc-)[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_OURS = re.compile(rf"(?:[a-z0-9-]+-)?[a-z2-7]{{{_IDENTITY_CHARACTERS + _CHECK_CHARACTERS}}}", re.ASCII)


def is_service_name(name: str) -> bool:
    """Whether VPC Lattice takes ``name`` for a service."""
    shortest, longest = SERVICE_NAME_LENGTHS
    return shortest <= len(name) <= longest and _SERVICE_NAME.fullmatch(name) is not None


def target_group_name(service: ServiceId, lattice_service: str, route: Route, placement: Placement) -> str:
    """The target group of one port of an ECS service on one Lattice service.

    Neither the route's name nor the port's number is part of its identity: all routes of the port share the group, and
    the port name may move to another number without a new group. What cannot be changed on a target group is part of it.
    """
    identity = (
        service.arn,
        lattice_service,
        route.port_name,
        route.protocol,
        route.protocol_version,
        placement.family,
        placement.vpc_id,
    )
    return _name("tg-", f"{service.name}-{route.port_name}", identity, TARGET_GROUP_NAME_LIMIT)


def listener_name(key: ListenerKey) -> str:
    """The listener of a Lattice service on this protocol and port."""
    return _name("listener-", f"{key.protocol}-{key.port}", ("listener", key.protocol, key.port), LISTENER_NAME_LIMIT)


def rule_name(service: ServiceId, route_name: str, listener: ListenerKey) -> str:
    """The rule for a route of an ECS service on a listener."""
    identity = (service.arn, route_name, listener.protocol, listener.port)
    return _name("rule-", f"{service.name}-{route_name}", identity, RULE_NAME_LIMIT)


def is_ours(name: str) -> bool:
    """Whether this stack made ``name``; of the names that people type in the same form, 1 in 32,768 would pass."""
    if _OURS.fullmatch(name) is None:
        return False
    return name[-_CHECK_CHARACTERS:] == _digest(name[:-_CHECK_CHARACTERS])[:_CHECK_CHARACTERS]


def group_id(text: str) -> str:
    """An SQS message group for ``text``: 64 characters whatever its length (SQS takes 128, ARNs may be longer)."""
    return hashlib.sha256(text.encode()).hexdigest()


def client_token(*parts: str | int | None) -> str:
    """A client token for ``parts``: 64 characters, the most that VPC Lattice takes. Equal parts, equal token."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _name(reserved: str, readable: str, identity: tuple[str | int | None, ...], limit: int) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", readable.lower()).strip("-")
    while f"{stem}-".startswith(reserved):
        stem = stem[len(reserved) :]
    room = limit - _IDENTITY_CHARACTERS - _CHECK_CHARACTERS - len("-")
    unchecked = f"{stem[:room].rstrip('-')}-{_digest(json.dumps(identity))[:_IDENTITY_CHARACTERS]}".lstrip("-")
    return unchecked + _digest(unchecked)[:_CHECK_CHARACTERS]


def _digest(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
