"""Small questions about one claim: its group's name, its networks, who may hold the Lattice service it is on."""

import hashlib

from ecs_lattice import naming
from ecs_lattice.claims import Claim
from ecs_lattice.graph import PARKED_HEADER
from ecs_lattice.model import HeaderMatch, ListenerKey, Match, ServiceId
from ecs_lattice.settings import Settings, Sharing

_TAG_VALUE_LIMIT = 256  # VPC Lattice API, TagValue
_SPARE_NAMES = 4  # a route may find its rule's name taken by a rule that a renamed route left with another


def group_name(claim: Claim) -> str:
    """The name of the target group of the claim's port."""
    return naming.target_group_name(claim.service, claim.route.lattice_service, claim.route, claim.placement)


def networks_of(claim: Claim, settings: Settings) -> tuple[str, ...]:
    """The service networks that the claim asks for, as written."""
    return claim.route.networks or settings.default_networks


def rule_names(claim: Claim, listener: ListenerKey) -> tuple[str, ...]:
    """The names a rule made for this route on this listener may have; the first that is free is taken."""
    spare = (naming.rule_name(claim.service, f"{claim.route.name}~{n}", listener) for n in range(1, _SPARE_NAMES))
    return naming.rule_name(claim.service, claim.route.name, listener), *spare


def parked(rule_name: str) -> Match:
    """The match of a parked rule: a header that nobody sends, with a value of its own."""
    value = hashlib.sha256(rule_name.encode()).hexdigest()[:16]
    return Match(headers=(HeaderMatch(PARKED_HEADER, "exact", value),))


def canonical(match: Match) -> Match:
    """Equal for matches that take the same requests: what compares without case is in lower case."""
    path = match.path
    if path and not path[2]:
        path = (path[0], path[1].lower(), False)
    headers = {HeaderMatch(each.name.lower(), each.kind, each.value.lower()) for each in match.headers}
    return Match(path, match.method, tuple(sorted(headers)))


def tag_value(text: str) -> str:
    """``text`` as a tag value: as it is, or its hash when it is longer than a tag may be."""
    return text if len(text) <= _TAG_VALUE_LIMIT else "sha256/" + hashlib.sha256(text.encode()).hexdigest()


def holder(sharing: Sharing, service: ServiceId) -> str:
    """The value of the holder tag when ``service`` is the first to claim a Lattice service."""
    values = {
        "none": f"service/{service.cluster}/{service.name}",
        "cluster": f"cluster/{service.cluster}",
        "account": "account",
    }
    return tag_value(values[sharing])


def may_claim(holder_tag: str, service: ServiceId) -> bool:
    """Whether the holder tag lets ``service`` claim: the tag decides, whatever the policy is now."""
    return holder_tag in {holder("none", service), holder("cluster", service), holder("account", service)}
