"""Who may claim a Lattice service (decision 44): the one decision that everything else about its claims starts from.

A Lattice service has a holder: an ECS service, an ECS cluster, or the account, by the stack parameter Sharing. Claims of
others have no say, whatever phase they are in: not on its settings, networks, matches or holder, and nothing is read for them.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ecs_lattice import ownership
from ecs_lattice.claims import HELD_BY_OTHER, Answer, ClaimRecord, LatticeRecord
from ecs_lattice.graph import Service
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, Owner, facts_of, holder_tags, may_speak
from ecs_lattice.settings import Settings

_GONE_SECONDS = 86400
"""How long a holder has to be gone until its Lattice service changes hands (:mod:`.handover`)."""


def holder_of(
    service: Service | None,
    claims: Sequence[ClaimFacts],
    receiving: Iterable[Owner],
    remembered: str,
    settings: Settings,
) -> str:
    """What the holder tag of the Lattice service says, or has to say; empty while nobody holds it.

    Without the tag it is the ECS service whose target group receives requests, then the first to have claimed it. Neither
    a paused claim nor one that is going makes a holder. ``remembered``: the last one; while the Lattice service does not
    exist it stays the holder as long as it has a claim. ``receiving``: the ECS services of the groups in live rules.
    """
    if service is None and remembered and any(may_speak(facts, remembered) for facts in claims):
        return remembered
    tags, first = dict(service.tags) if service else {}, _first(claims, frozenset(receiving))
    return tags.get(ownership.HOLDER) or (holder_tags(first)[settings.sharing] if first else "")


def _first(claims: Sequence[ClaimFacts], receiving: frozenset[Owner]) -> Owner | None:
    """The ECS service that holds a Lattice service without a tag."""
    in_order = sorted(claims, key=lambda facts: facts.claimed)
    if receiving:
        return next((facts.owner for facts in in_order if facts.owner in receiving), min(receiving))
    return next((facts.owner for facts in in_order if facts.may_hold), None)


def changes_hands_at(remembered: LatticeRecord) -> float:
    """The epoch second from which the Lattice service may have another holder; infinite while its holder is not known to be
    gone."""
    return math.inf if remembered.holder_gone_since is None else remembered.holder_gone_since + _GONE_SECONDS


def refusal(remembered: LatticeRecord) -> str:
    """The message for a claim that may not speak, with the command that gives the Lattice service up; and when it changes
    hands, where its holder is gone."""
    arn = remembered.service_arn or "<ARN of the Lattice service>"
    gone = ""
    if remembered.holder_gone_since is not None:
        since, at = _time(remembered.holder_gone_since), _time(changes_hands_at(remembered))
        gone = (
            f"ECS has not known the holder since {since}: if that stays so, the Lattice service changes hands at {at}, once it "
            "receives no requests and no target group of the holder is left. "
        )
    return (
        f"Lattice service {remembered.name} is held by {remembered.holder}; the stack parameter Sharing decides who may "
        f"join. {gone}Use another name, or have an operator give it up, once the holder has no route on it: aws vpc-lattice "
        f"untag-resource --resource-arn {arn} --tag-keys {ownership.HOLDER}"
    )


def _time(epoch: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(epoch))


def unread_answers(
    records: Sequence[ClaimRecord], requester: str, remembered: LatticeRecord, settings: Settings
) -> dict[str, Answer] | None:
    """The answers to the claims of the ECS service ``requester``, if the ``remembered`` holder is enough to give them: none
    of them may speak, and nothing was ever created for them. None: Lattice has to be read, also to see whether the holder
    is still there, of whom no claim is left."""
    answers: dict[str, Answer] = {}
    speaking = {record.key for record in records if may_speak(facts_of(record, settings), remembered.holder)}
    for record in records if speaking else ():
        if record.claim.service.arn != requester:
            continue
        if record.answer.group_arn or record.key in speaking:
            return None
        is_over = record.claim.phase != "declared"
        text = refusal(replace(remembered, holder_gone_since=None))  # somebody speaks for it
        answers[record.key] = Answer("Removed") if is_over else Answer("Conflicted", HELD_BY_OTHER, text)
    return answers or None
