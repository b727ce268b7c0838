"""Which claims take effect, which wait to be removed, and which are rejected, and why.

A conflict rejects one route only; what was provisioned for it before stays as it is. Each rule is a pure function: it
yields the resolutions that it changes.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from ecs_lattice.claims import DOMAIN_TAKEN, HELD_BY_OTHER, OWN_GROUP_UNUSABLE, ClaimRecord, LatticeRecord
from ecs_lattice.graph import id_of
from ecs_lattice.lattice_side.claim_facts import ClaimFacts
from ecs_lattice.lattice_side.holding import refusal
from ecs_lattice.lattice_side.joint_settings import differs, joint_settings
from ecs_lattice.lattice_side.resolutions import (
    STAYING,
    Resolution,
    Resolutions,
    asks_for_network,
    replaced,
)
from ecs_lattice.lattice_side.seen import ObservedIndex
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

type Rule = Callable[[Resolutions, ObservedIndex, Settings], Iterator[Resolution]]
"""Yields the resolutions that it changes."""

HELD_REMOVAL_SECONDS = 900
_DAY_SECONDS = 86400


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
    by_phase = [_by_phase(facts, index, settings, now, may_remove) for facts in index.claims]
    resolutions: Resolutions = tuple(sorted(by_phase, key=lambda resolution: resolution.order))
    if refused:
        resolutions = replaced(resolutions, _refused_by_aws(resolutions, refused))
    for rule in _RULES:
        resolutions = replaced(resolutions, rule(resolutions, index, settings))
    return resolutions


def _by_phase(
    facts: ClaimFacts, index: ObservedIndex, settings: Settings, now: float, may_remove: Callable[[ClaimRecord], bool]
) -> Resolution:
    """What the phase of the claim comes to, before the other claims count."""
    claim = facts.claim
    resolved = partial(Resolution, **vars(facts), order=(_rank(facts), facts.claimed))
    if not facts.speaks and (claim.phase == "declared" or not facts.receives):
        return _without_say(resolved(mode="removing", holds_match=facts.receives), index.remembered)
    if claim.route.pause and not (claim.phase == "deleted" and now - claim.since >= _DAY_SECONDS):
        message = f"{settings.label_prefix}.pause is set: the route is observed, and nothing is changed."
        return resolved(mode="paused", holds_match=True, code="PAUSED", message=message)
    if claim.phase == "declared":
        return resolved(mode="active", holds_match=True)
    remaining = claim.since + settings.grace_seconds - now
    if claim.phase == "deleted":
        return resolved(mode="removing", holds_match=remaining > 0)
    if remaining > 0:
        return resolved(mode="retained", holds_match=True, wait=math.ceil(remaining))
    has_begun = facts.record.answer.state in {"Parked", "Removed"}
    if has_begun or not facts.receives or may_remove(facts.record):
        return resolved(mode="removing", holds_match=False)
    message = (
        "More routes are due for removal than MaxRemovals allows per hour, so all of them wait. Restore the labels, or "
        'invoke the resync function with {"mode": "approve-removals"}.'
    )
    wait = HELD_REMOVAL_SECONDS
    return resolved(mode="retained", holds_match=True, code="REMOVALS_HELD", message=message, wait=wait)


def _rank(facts: ClaimFacts) -> int:
    """The first part of the claim order."""
    if facts.receives:
        return 0
    if facts.was_live:
        return 1
    return 3 if facts.route.pause else 2


def _without_say(resolution: Resolution, remembered: LatticeRecord) -> Resolution:
    """A claim that may not speak: refused as long as it is declared, else removed without a grace time."""
    if resolution.claim.phase != "declared":
        return resolution
    return resolution.reject("Conflicted", HELD_BY_OTHER, refusal(remembered))


def _refused_by_aws(resolutions: Resolutions, refused: Mapping[str, Problem]) -> Iterator[Resolution]:
    """What is live stays active when one more service network does not take it: it has a notice (:mod:`.notices`)."""
    for resolution in resolutions:
        problem = refused.get(resolution.key) if resolution.mode == "active" else None
        if problem and problem.code == DOMAIN_TAKEN and resolution.was_live:
            yield replace(resolution, code=problem.code, message=problem.message)
        elif problem:
            yield resolution.reject("Refused", problem.code, problem.message)


def _fixed_domain(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """The custom domain of a Lattice service cannot change."""
    service = index.observed.service
    for resolution in resolutions:
        domain = resolution.route.domain
        if resolution.mode == "active" and service and domain and domain != service.domain:
            existing = f"has {service.domain}" if service.domain else "was created without one"
            message = (
                f"The custom domain of a Lattice service cannot change after its creation, and {service.name} {existing}. "
                f"Use another {settings.label_prefix}.service for {domain}."
            )
            yield resolution.reject("Refused", "DOMAIN_FIXED", message)


def _joint_settings(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """A setting of the whole Lattice service is a joint decision; whoever differs from it is in conflict."""
    for name, decided in joint_settings(resolutions, index, settings).items():
        for resolution in resolutions:
            if resolution.mode == "active" and differs(resolution, decided, resolutions):
                key = f"{settings.label_prefix}.{name.replace('_', '-')}"
                by = f", as {decided.asked_by} asks" if decided.asked_by else ""
                message = (
                    f"{key} applies to the whole Lattice service and is {decided.text}{by}. It changes once all ECS "
                    f"services on it ask for the same: write {key} = {decided.text}, or use another Lattice service."
                )
                yield resolution.reject("Conflicted", "SERVICE_KEY_DIFFERS", message)


def _listener_protocols(resolutions: Resolutions, index: ObservedIndex, _settings: Settings) -> Iterator[Resolution]:
    """Each port has the protocol of its existing listener, or of the first claim."""
    existing = {listener.key.port: listener.key for listener in index.observed.listeners}
    claimed = dict(existing)
    for resolution in resolutions:
        for key in resolution.route.listeners if resolution.mode in STAYING and resolution.speaks else ():
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


def _foreign_listeners(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """The default action of a listener that somebody else made is not ours to change."""
    for resolution in (r for r in resolutions if r.mode == "active" and r.match is None):
        if taken := [key for key in resolution.route.listeners if index.is_left_alone(key, (resolution.group_ref,))]:
            message = (
                f"Listener {min(taken)} was not created by this stack, so its default action is left alone. Give the route a "
                f"match ({settings.label_prefix}.path.prefix, ...), use another {settings.label_prefix}.listener, or delete "
                "that listener."
            )
            yield resolution.reject("Conflicted", "FOREIGN_LISTENER", message)


def _references(resolutions: Resolutions, index: ObservedIndex, _settings: Settings) -> Iterator[Resolution]:
    """The target group and the service networks that a claim names have to be usable. A network's problem comes last, so
    it is the one that counts."""
    for resolution in (resolution for resolution in resolutions if resolution.mode == "active"):
        arn = resolution.claim.own_group
        if arn and (fault := _fault_of(resolution, index, id_of(arn))):
            message = f"The ECS service attaches this port to target group {arn}, which {fault}."
            yield resolution.reject("Refused", OWN_GROUP_UNUSABLE, message)
        for network in resolution.networks:
            arns = index.networks.get(network, ())
            if len(arns) > 1:
                message = f"Several service networks are called {network}; use one of {', '.join(arns)}."
                yield resolution.reject("Refused", "NETWORK_AMBIGUOUS", message)
            elif not arns:
                message = f"There is no service network {network} in this account, nor is one shared with it."
                yield resolution.reject("Refused", "NETWORK_UNKNOWN", message)


def _fault_of(resolution: Resolution, index: ObservedIndex, group_id: str) -> str:
    """Why a target group that was made elsewhere cannot be used; empty when it can."""
    group, service, owner = index.groups.get(group_id), index.observed.service, index.owners.get(group_id)
    if group is None:
        return "does not exist"
    if owner and owner != resolution.owner:
        return f"belongs to ECS service {'/'.join(owner)}"
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


def _network_missing(resolutions: Resolutions, index: ObservedIndex, settings: Settings) -> Iterator[Resolution]:
    """Nobody asks for a service network, and nobody has associated one: what is live stays, with a notice
    (:mod:`.notices`)."""
    if index.observed.associations or asks_for_network(resolutions):
        return
    from ecs_lattice.declaration.changes import network_missing  # noqa: PLC0415  rare, and costs a start the whole package

    for resolution in resolutions:
        if resolution.mode == "active" and not resolution.was_live:
            problem = network_missing(resolution.route, label_prefix=settings.label_prefix)
            yield resolution.reject("Refused", "NETWORK_MISSING", problem.message)


_RULES: tuple[Rule, ...] = (
    _fixed_domain,
    _references,
    _joint_settings,
    _listener_protocols,
    _foreign_listeners,
    _health_checks,
    _network_missing,
)
