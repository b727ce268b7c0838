"""Whose turn it is to attach: ECS services that wait for one of a limited number of places, as a value. Pure.

Each ECS cluster has its turns: of several clusters that wait, each gets one place after the other, however many services
it has (start-time fair queueing: a service's turn is one after that of its cluster's last service, and not before those
that have been served). Within a cluster the first to ask is the first to be served. Services of which an attachment failed
take at most half of the places, but one if nobody else waits. Who does not come back in time loses turn and place.
"""

import dataclasses
from dataclasses import dataclass

from ecs_lattice.model import ServiceId

WAIT_SECONDS = 3600.0
"""How long a service waits without asking again."""
HOLD_SECONDS = 3600.0
"""How long a service holds a place without a reconcile."""
CALLED_SECONDS = 600.0
"""How long a place is kept for a service whose turn it is."""
MOST_PLACES = 100
_MOST_CHARACTERS, _MEMBERS = 90_000, 100  # of the document, and those of one turn besides the service's ARN


@dataclass(frozen=True, slots=True)
class Turn:
    """An ECS service (its ARN) that waits or has a place. Lower numbers come first; it is over at ``ends_at`` (epoch
    seconds). ``has_failed``: an attachment of this service has failed."""

    service: str
    number: int
    ends_at: float
    has_failed: bool = False

    @property
    def cluster(self) -> str:
        return ServiceId(self.service).cluster


@dataclass(frozen=True, slots=True)
class Turns:
    """Who waits, in the order in which they asked, and who has a place. ``served``: the highest number that was served."""

    served: int = 0
    waiting: tuple[Turn, ...] = ()
    placed: tuple[Turn, ...] = ()

    def has_place(self, service: str) -> bool:
        """Whether the service may attach, or attaches."""
        return any(turn.service == service for turn in self.placed)

    @property
    def order(self) -> tuple[str, ...]:
        """Those that wait, in the order of their turns."""
        return tuple(turn.service for turn in sorted(self.waiting, key=lambda turn: turn.number))


def ask(turns: Turns, service: str, *, has_failed: bool, limit: int, now: float) -> Turns:
    """``service`` wants to attach now: it gets a place, keeps its turn, or is the last of its cluster."""
    turns = _without_ended(turns, now)
    if not turns.has_place(service):
        turns = _bounded(_enqueued(turns, Turn(service, 0, now + WAIT_SECONDS, has_failed)))
    turns = _called(turns, limit, now)
    return hold(turns, service, now) if turns.has_place(service) else turns


def hold(turns: Turns, service: str, now: float) -> Turns:
    """``service`` attaches: whatever the limit is, it has a place. The same value while its time is not half over."""
    held = next((turn for turn in turns.placed if turn.service == service), Turn(service, turns.served, 0.0))
    if held.ends_at - now > HOLD_SECONDS / 2:
        return turns
    others = tuple(turn for turn in turns.placed if turn.service != service)
    waiting = tuple(turn for turn in turns.waiting if turn.service != service)
    placed = (*others, dataclasses.replace(held, ends_at=now + HOLD_SECONDS))
    return dataclasses.replace(turns, waiting=waiting, placed=placed)


def leave(turns: Turns, service: str, *, limit: int, now: float) -> Turns:
    """``service`` neither attaches nor wants to: whose turn it is gets its place."""
    turns = _without_ended(turns, now)
    waiting = tuple(turn for turn in turns.waiting if turn.service != service)
    placed = tuple(turn for turn in turns.placed if turn.service != service)
    return _called(dataclasses.replace(turns, waiting=waiting, placed=placed), limit, now)


def _without_ended(turns: Turns, now: float) -> Turns:
    waiting = tuple(turn for turn in turns.waiting if turn.ends_at > now)
    placed = tuple(turn for turn in turns.placed if turn.ends_at > now)
    return dataclasses.replace(turns, waiting=waiting, placed=placed)


def _enqueued(turns: Turns, new: Turn) -> Turns:
    """``turns`` with the new one at the end of its cluster's; one that waits already keeps its number and lasts longer."""
    known = {turn.service: turn.number for turn in turns.waiting}
    if new.service in known:
        again = dataclasses.replace(new, number=known[new.service])
        return dataclasses.replace(
            turns, waiting=tuple(again if turn.service == new.service else turn for turn in turns.waiting)
        )
    of_cluster = (turn.number for turn in (*turns.waiting, *turns.placed) if turn.cluster == new.cluster)
    number = max([turns.served, *of_cluster]) + 1
    return dataclasses.replace(turns, waiting=(*turns.waiting, dataclasses.replace(new, number=number)))


def _bounded(turns: Turns) -> Turns:
    """``turns`` as long as a registry item may be: the last of the cluster with the most that wait has to ask again."""
    while (
        turns.waiting
        and sum(len(turn.service) + _MEMBERS for turn in (*turns.waiting, *turns.placed)) > _MOST_CHARACTERS
    ):
        clusters = [turn.cluster for turn in turns.waiting]
        largest = max(clusters, key=clusters.count)
        last = max((turn for turn in turns.waiting if turn.cluster == largest), key=lambda turn: turn.number)
        turns = dataclasses.replace(turns, waiting=tuple(turn for turn in turns.waiting if turn != last))
    return turns


def _called(turns: Turns, limit: int, now: float) -> Turns:
    """``turns`` with every free place given to whose turn it is."""
    most = min(limit, MOST_PLACES)
    while len(turns.placed) < most and (turn := _next(turns, most)):
        turns = Turns(
            max(turns.served, turn.number),
            tuple(other for other in turns.waiting if other != turn),
            (*turns.placed, dataclasses.replace(turn, ends_at=now + CALLED_SECONDS)),
        )
    return turns


def _next(turns: Turns, most: int) -> Turn | None:
    failed = sum(turn.has_failed for turn in turns.placed)
    is_alone = all(turn.has_failed for turn in turns.waiting)
    may_fail = failed < max(most // 2, 1 if is_alone else 0)
    candidates = (turn for turn in turns.waiting if may_fail or not turn.has_failed)
    return min(candidates, key=lambda turn: turn.number, default=None)
