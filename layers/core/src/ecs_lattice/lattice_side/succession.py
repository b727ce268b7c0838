"""A claim whose match an ECS service of the same task-definition family has: it stands by, and takes over: pure.

An ECS service that is replaced under another name has two claims on one match for a while. The later one is provisioned and
parked, so that its tasks are attached and checked; once the ECS service before it is deleted, and one of its own targets is
HEALTHY, it has the match in that same run. Both have a say on the Lattice service (:mod:`.holding`), as every claim has that
gets as far as its match; who runs another family waits for the grace time, as a stranger to the route would.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ecs_lattice.claims import Notice
from ecs_lattice.lattice_side.claim_facts import Owner
from ecs_lattice.lattice_side.entries import EntryKey, MatchEntry
from ecs_lattice.lattice_side.resolutions import Resolution, Resolutions
from ecs_lattice.lattice_side.seen import ObservedIndex, parking_match, rule_names

MATCH_TAKEN = "MATCH_TAKEN"


def without_match(loser: Resolution, holder: Resolution, at: EntryKey, label_prefix: str) -> Resolution:
    """``loser`` of the match ``at`` that ``holder`` has: standing by where it may, else rejected."""
    if _can_be_parked(loser) and holder.mode != "paused" and _may_succeed(loser, holder):
        return replace(loser, stands_by_for=holder.key)
    message = (
        f"{at[1] or 'Everything else'} on {at[0]} belongs to route {holder.route.name} of {holder.claim.service}. Give every "
        f"route of this match a {label_prefix}.weight to share it, or use another match."
    )
    return loser.reject("Conflicted", MATCH_TAKEN, message)


def _can_be_parked(one: Resolution) -> bool:
    """A TLS_PASSTHROUGH listener has no rules."""
    return all(key.protocol != "TLS_PASSTHROUGH" for key in one.route.listeners)


def with_successor(index: ObservedIndex, candidates: list[Resolution], owners: frozenset[Owner]) -> list[Resolution]:
    """The candidates of a match, where the ECS services that had it are deleted and another can take over: that one before
    all others, and the deleted ones without the match. ``owners`` receive the requests of the match."""
    deleted = [one for one in candidates if _was_deleted(one)]
    successor = _successor(index, candidates, deleted, owners) if deleted else None
    if successor is None:
        return candidates
    gone = {one.key for one in deleted if _may_succeed(successor, one)}
    return [
        replace(one, holds_match=False) if one.key in gone else replace(one, succeeds=one is successor)
        for one in candidates
    ]


def _was_deleted(one: Resolution) -> bool:
    return one.mode == "removing" and one.claim.phase == "deleted" and one.was_live


def _successor(
    index: ObservedIndex, candidates: list[Resolution], deleted: list[Resolution], owners: frozenset[Owner]
) -> Resolution | None:
    """The first that may succeed a deleted one and can answer; nobody while another that stays receives the requests."""
    if any(one.owner in owners for one in candidates if one.mode != "removing"):
        return None
    able = (one for one in candidates if one.mode == "active" and _can_answer(index, one))
    return next((one for one in able if any(_may_succeed(one, gone) for gone in deleted)), None)


def released(candidates: Iterable[Resolution]) -> list[Resolution]:
    """The candidates that another succeeds, without their match, and the one that succeeds them."""
    found = list(candidates)
    if not any(one.succeeds for one in found):
        return []
    return [one for one in found if one.succeeds or (one.claim.phase == "deleted" and not one.holds_match)]


def standby_entries(resolutions: Resolutions) -> dict[EntryKey, MatchEntry]:
    """An entry for each claim that stands by, on each of its listeners: that of its own parked rule."""
    found: dict[EntryKey, MatchEntry] = {}
    for one in resolutions:
        for key in one.route.listeners if one.stands_by_for and one.mode == "active" else ():
            match = parking_match(rule_names(one.claim, key)[0])
            found[key, match] = MatchEntry(key, match, active=(one,), claims=(one,), is_standby=True)
    return found


def standby_notices(resolutions: Resolutions) -> Iterator[tuple[str, Notice]]:
    """What both sides are told, each with the key of its claim."""
    by_key = {one.key: one for one in resolutions}
    for one in resolutions:
        holder = by_key.get(one.stands_by_for)
        if holder is None or one.mode != "active":
            continue
        ours, theirs = (
            f"route {one.route.name} of {one.claim.service}",
            f"{holder.route.name} of {holder.claim.service}",
        )
        family = one.claim.task_family
        yield (
            one.key,
            Notice(
                "STANDBY",
                f"Route {theirs} has this match and runs the same task-definition family ({family}): this route takes over when "
                "that ECS service is deleted and a target of its own is healthy. Until then it receives no requests.",
            ),
        )
        yield (
            holder.key,
            Notice(
                "STANDBY",
                f"{ours[0].upper()}{ours[1:]} asks for the same match and runs the same task-definition family ({family}): it "
                "takes over when this ECS service is deleted.",
            ),
        )


def standby_message(resolution: Resolution) -> str:
    """Why a claim that stands by receives no requests."""
    return (
        f"Its match belongs to {resolution.stands_by_for}. Its tasks are attached, and it takes over when that ECS service is "
        "deleted."
    )


def is_awaited(one: Resolution, resolutions: Resolutions) -> bool:
    """Whether the ECS service for which ``one`` stands by is deleted: nobody answers the requests of the match."""
    return any(other.key == one.stands_by_for and other.claim.phase == "deleted" for other in resolutions)


def _may_succeed(one: Resolution, other: Resolution) -> bool:
    """Whether an ECS service is the same application as another: tasks of the same family, on all listeners of the other."""
    family = one.claim.task_family
    is_same = bool(family) and family == other.claim.task_family and one.owner != other.owner
    return is_same and set(one.route.listeners) >= set(other.route.listeners)


def _can_answer(index: ObservedIndex, one: Resolution) -> bool:
    if one.group_ref in index.receiving_traffic:
        return True
    return one.claim.serving and index.has_healthy_target(one.group_ref)
