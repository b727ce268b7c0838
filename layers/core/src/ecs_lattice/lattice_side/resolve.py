"""Which claims take effect, which wait to be removed, and which are rejected, and why.

A conflict rejects one route only; what was provisioned for it before stays as it is. Each rule is a pure function: it
yields the resolutions that it changes.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ecs_lattice import ownership
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.graph import Group, Service, id_of
from ecs_lattice.lattice_side.seen import ClaimFacts, ObservedIndex
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

Mode = Literal["active", "retained", "removing", "paused", "rejected"]
Rejection = Literal["Refused", "Conflicted"]
type Resolutions = tuple[Resolution, ...]
"""All claims on a Lattice service in claim order: routes that receive traffic, then the older ECS service."""

type Rule = Callable[[Resolutions, ObservedIndex, Settings], Iterator[Resolution]]
"""Yields the resolutions that it changes."""

STAYING: frozenset[Mode] = frozenset({"active", "paused", "retained"})
UNCHANGED: frozenset[Mode] = frozenset({"paused", "rejected"})
HELD_REMOVAL_SECONDS = 900
_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Resolution(ClaimFacts):
    """What a claim comes to.

    ``active``: provision it. ``retained``: the claim vanished, nothing of it changes yet. ``removing``: take it down.
    ``paused``: change nothing. ``rejected``: refused or in conflict (``rejection``), what was provisioned stays.
    ``order`` is its place among the claims. ``holds_match``: others cannot have its match, as long as it is declared and
    for the grace time after. ``wait``: reconcile again after so many seconds.
    """

    order: tuple[bool, float, str, str]
    holds_match: bool
    mode: Mode
    rejection: Rejection | None = None
    code: str = ""
    message: str = ""
    wait: int | None = None

    def reject(self, rejection: Rejection, code: str, message: str) -> "Resolution":
        return replace(self, mode="rejected", rejection=rejection, code=code, message=message, wait=None)


def resolve(
    index: ObservedIndex,
    settings: Settings,
    now: float,
    may_remove: Callable[[ClaimRecord], bool],
    refused: Mapping[str, Problem],
) -> Resolutions:
    """The resolutions, as far as the matches do not decide them.

    ``may_remove`` asks the stack's removal budget for one more removal. ``refused`` are the problems that AWS reported
    for claims in this reconcile, by claim key.
    """
    by_phase = [_by_phase(claim, index, settings, now, may_remove) for claim in index.claims]
    resolutions: Resolutions = tuple(sorted(by_phase, key=lambda resolution: resolution.order))
    if refused:
        resolutions = replaced(resolutions, _refused_by_aws(resolutions, refused))
    for rule in _RULES:
        resolutions = replaced(resolutions, rule(resolutions, index, settings))
    return resolutions


def replaced(resolutions: Resolutions, changed: Iterable[Resolution]) -> Resolutions:
    """The resolutions with those that changed; of several for one claim the last counts."""
    by_key = {resolution.key: resolution for resolution in changed}
    return tuple(by_key.get(resolution.key, resolution) for resolution in resolutions) if by_key else resolutions


def holder_tag(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> str | None:
    """What the holder tag of the Lattice service says or has to say; None while no claim takes effect."""
    tags = dict(index.observed.service.tags) if index.observed.service else {}
    if ownership.HOLDER in tags:
        return tags[ownership.HOLDER]
    first = next((resolution for resolution in resolutions if resolution.mode in STAYING), None)
    return first.holder_tags[settings.sharing] if first else None


def _by_phase(
    facts: ClaimFacts, index: ObservedIndex, settings: Settings, now: float, may_remove: Callable[[ClaimRecord], bool]
) -> Resolution:
    claim, receives = facts.claim, facts.group_ref in index.receiving_traffic
    order = (not receives, claim.created_at, claim.service.arn, claim.route.name)
    remaining = claim.since + settings.grace_seconds - now
    resolved = partial(Resolution, **vars(facts), order=order, holds_match=True)
    if claim.route.pause and not (claim.phase == "deleted" and now - claim.since >= _DAY_SECONDS):
        message = f"{settings.label_prefix}.pause is set: the route is observed, and nothing is changed."
        return resolved(mode="paused", code="PAUSED", message=message)
    if claim.phase == "declared":
        return resolved(mode="active")
    if claim.phase == "deleted":
        return resolved(mode="removing", holds_match=remaining > 0)
    if remaining > 0:
        return resolved(mode="retained", wait=math.ceil(remaining))
    has_begun = facts.record.answer.state in {"Parked", "Removed"}
    if has_begun or not receives or may_remove(facts.record):
        return resolved(mode="removing", holds_match=False)
    message = (
        "More routes are due for removal than MaxRemovals allows per hour, so all of them wait. Restore the labels, or "
        'invoke the resync function with {"mode": "approve-removals"}.'
    )
    return resolved(mode="retained", code="REMOVALS_HELD", message=message, wait=HELD_REMOVAL_SECONDS)


def _refused_by_aws(resolutions: Resolutions, refused: Mapping[str, Problem]) -> Iterator[Resolution]:
    for resolution in resolutions:
        if resolution.mode == "active" and (problem := refused.get(resolution.key)):
            yield resolution.reject("Refused", problem.code, problem.message)


def _held_or_fixed(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """The Lattice service may be held by others, and its custom domain cannot change."""
    tag, service = holder_tag(resolutions, index, settings), index.observed.service
    for resolution in resolutions:
        domain = resolution.route.domain
        if resolution.mode != "active":
            continue
        if tag and tag not in resolution.holder_tags.values():
            message = (
                f"Lattice service {resolution.route.lattice_service} is held by {tag}; the stack parameter Sharing decides "
                f"who may join. Use another name, or have an operator remove its tag {ownership.HOLDER}."
            )
            yield resolution.reject("Conflicted", "HELD_BY_OTHER", message)
        elif service and domain and domain != service.domain:
            existing = f"has {service.domain}" if service.domain else "was created without one"
            message = (
                f"The custom domain of a Lattice service cannot change after its creation, and {service.name} {existing}. "
                f"Use another {settings.label_prefix}.service for {domain}."
            )
            yield resolution.reject("Refused", "DOMAIN_FIXED", message)


def _service_wide(
    resolutions: Resolutions, _index: ObservedIndex, settings: Settings, *, key: str
) -> Iterator[Resolution]:
    """A setting of the whole Lattice service is that of the first claim that declares it."""
    declaring = [r for r in resolutions if r.mode in STAYING and getattr(r.route, key) is not None]
    for resolution in declaring[1:]:
        value, wanted = getattr(declaring[0].route, key), getattr(resolution.route, key)
        if wanted != value and resolution.mode == "active":
            message = (
                f"{settings.label_prefix}.{key.replace('_', '-')} applies to the whole Lattice service and is {value}, "
                f"declared by {declaring[0].claim.service}; {wanted} differs."
            )
            yield resolution.reject("Conflicted", "SERVICE_KEY_DIFFERS", message)


def _listener_protocols(resolutions: Resolutions, index: ObservedIndex, _settings: Settings) -> Iterator[Resolution]:
    """Each port has the protocol of its existing listener, or of the first claim."""
    existing = {listener.key.port: listener.key for listener in index.observed.listeners}
    claimed = dict(existing)
    for resolution in resolutions:
        for key in resolution.route.listeners if resolution.mode in STAYING else ():
            first = claimed.setdefault(key.port, key)
            if first == key or resolution.mode != "active":
                continue
            if key.port in existing:
                message = (
                    f"Port {key.port} has listener {first}, and a listener's protocol cannot change. Use another port, or "
                    "delete that listener once no route needs it."
                )
                yield resolution.reject("Refused", "LISTENER_FIXED", message)
            else:
                message = f"Port {key.port} is claimed as {first} by another route; {key} differs."
                yield resolution.reject("Conflicted", "LISTENER_DIFFERS", message)


def _references(resolutions: Resolutions, index: ObservedIndex, _settings: Settings) -> Iterator[Resolution]:
    """The target group and the service networks that a claim names have to be usable. A network's problem comes last, so
    it is the one that counts."""
    for resolution in (resolution for resolution in resolutions if resolution.mode == "active"):
        arn = resolution.claim.own_group
        if arn and (fault := _fault_of(index.groups.get(id_of(arn)), index.observed.service)):
            message = f"The ECS service attaches this port to target group {arn}, which {fault}."
            yield resolution.reject("Refused", "OWN_GROUP_UNUSABLE", message)
        for network in resolution.networks:
            arns = index.networks.get(network, ())
            if len(arns) > 1:
                message = f"Several service networks are called {network}; use one of {', '.join(arns)}."
                yield resolution.reject("Refused", "NETWORK_AMBIGUOUS", message)
            elif not arns:
                message = f"There is no service network {network} in this account, nor is one shared with it."
                yield resolution.reject("Refused", "NETWORK_UNKNOWN", message)


def _fault_of(group: Group | None, service: Service | None) -> str:
    """Why a target group that was made elsewhere cannot be used; empty when it can."""
    if group is None:
        return "does not exist"
    if group.status != "ACTIVE":
        return f"is {group.status}"
    if group.kind != "IP":
        return f"has type {group.kind}, not IP"
    others = [arn for arn in group.service_arns if service is None or arn != service.arn]
    return f"is used by {others[0]}, and a group serves one Lattice service only" if others else ""


def _health_checks(resolutions: Resolutions, _index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """A group has one health check: that of the first claim of the port."""
    first: dict[str, Resolution] = {}
    for resolution in resolutions:
        if resolution.mode != "active" or resolution.claim.own_group:
            continue
        other = first.setdefault(resolution.group_name, resolution)
        if other.route.health != resolution.route.health:
            message = (
                f"Routes of one port share a target group, so {settings.label_prefix}.health.* has to equal that of route "
                f"{other.route.name}."
            )
            yield resolution.reject("Conflicted", "HEALTH_DIFFERS", message)


_RULES: tuple[Rule, ...] = (
    _held_or_fixed,
    *(partial(_service_wide, key=key) for key in ("domain", "certificate", "auth", "idle_timeout")),
    _listener_protocols,
    _references,
    _health_checks,
)
