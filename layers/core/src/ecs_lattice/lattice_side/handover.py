"""When a Lattice service changes hands (decision 53): its holder has been gone for a day, nothing of it is left there, and
somebody else declares routes on it.

Gone is only what ECS says for certain. What cannot be read is unknown, and the day begins anew.
"""

import dataclasses
import logging
import re
from collections.abc import Iterable, Sequence

from ecs_lattice import ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.errors import AwsError
from ecs_lattice.graph import Group
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, holder_tags, may_speak
from ecs_lattice.lattice_side.holding import changes_hands_at, holder_of
from ecs_lattice.lattice_side.observe import Snapshot
from ecs_lattice.lattice_side.ports import Holders
from ecs_lattice.lattice_side.steps import TagService
from ecs_lattice.lattice_side.unclaimed import serving
from ecs_lattice.ports import Documents
from ecs_lattice.settings import Settings
from ecs_lattice.stack_state import is_complete

_log = logging.getLogger(__name__)
_NAME = "[A-Za-z0-9_-]{1,255}"  # of a cluster or service (Amazon ECS API, CreateCluster and CreateService)
_HOLDER = re.compile(rf"cluster/{_NAME}|service/{_NAME}/{_NAME}")
"""The holders that ECS can be asked about. Neither the account nor a name of which only the hash is known is one."""


def looked_after(snapshot: Snapshot, claims: Sequence[ClaimFacts], holders: Holders, now: float) -> Snapshot:
    """The snapshot, with since when its holder has been gone: one call of ECS, where nobody speaks for the holder."""
    since = snapshot.remembered.holder_gone_since
    if not _is_gone(_asked_about(snapshot, claims), holders):
        since = None
    elif since is None:
        since = now
    return dataclasses.replace(snapshot, remembered=dataclasses.replace(snapshot.remembered, holder_gone_since=since))


def _is_gone(holder: str, holders: Holders) -> bool:
    try:
        return bool(holder) and holders.is_gone(holder)
    except AwsError as error:
        _log.warning("Whether %s, the holder of a Lattice service, still exists is unknown: %s", holder, error)
        return False


def step(
    snapshot: Snapshot, claims: Sequence[ClaimFacts], settings: Settings, now: float, documents: Documents
) -> TagService | None:
    """What writes the new holder, once the holder has been gone for long enough; None until then, and as long as the Lattice
    service is in use, or a target group of the holder remains, or a claim may be missing in the registry."""
    observed, remembered = snapshot.observed, snapshot.remembered
    if observed.service is None or now < changes_hands_at(remembered) or not _asked_about(snapshot, claims):
        return None
    if any(serving(observed.listeners)) or _has_group_of(remembered.holder, observed.groups, claims):
        return None
    unheld = dataclasses.replace(observed.service, tags=())
    heir = holder_of(unheld, claims, (), "", settings)
    return TagService((), observed.service.arn, ((ownership.HOLDER, heir),)) if is_complete(documents) else None


def _asked_about(snapshot: Snapshot, claims: Sequence[ClaimFacts]) -> str:
    """The ARN of the holder; empty where it cannot be gone (somebody speaks for it), nobody would take its place, or ECS of
    this account and Region does not know it."""
    service, holder = snapshot.observed.service, snapshot.remembered.holder
    if service is None or not snapshot.is_usable or not _HOLDER.fullmatch(holder):
        return ""
    if any(may_speak(facts, holder) for facts in claims):
        return ""
    partition, _, region, account = service.arn.split(":")[1:5]
    for facts in claims:
        there = facts.claim.service
        if facts.may_hold and (there.partition, there.region, there.account) == (partition, region, account):
            return f"arn:{partition}:ecs:{region}:{account}:{holder}"
    return ""


def _has_group_of(holder: str, groups: Iterable[Group], claims: Sequence[ClaimFacts]) -> bool:
    """Whether one of the target groups is the holder's by its tags, or may be, because no claim explains it and it has none."""
    claimed = {facts.group_name for facts in claims}
    for tags in (dict(group.tags or ()) for group in groups if group.name not in claimed):
        owner = tags.get(ownership.CLUSTER, ""), tags.get(ownership.SERVICE, "")
        if not all(owner) or holder in holder_tags(owner).values():
            return True
    return False


def due_at(remembered: LatticeRecord, otherwise: float, now: float) -> float:
    """When the next reconcile is due (epoch seconds; 0: never): when the Lattice service changes hands, or ``otherwise``,
    where that is sooner. What stands in the way at that time is looked at when drift is."""
    at = changes_hands_at(remembered)
    return at if now < at and (not otherwise or at < otherwise) else otherwise
