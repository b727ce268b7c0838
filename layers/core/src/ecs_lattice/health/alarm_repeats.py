"""Changes of alarms that CloudWatch accepts and does not keep: the same change that comes again with the same reading is made
more and more rarely, and told. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from ecs_lattice.claims import RepeatedStep
from ecs_lattice.health.alarms import Alarm
from ecs_lattice.outcome import NOT_KEPT

_MOST = 600  # that are remembered: a registry item has a bound

type Change = tuple[Alarm | None, Alarm | None]
"""The wanted alarm (None: it is to be deleted), and the existing one (None: it is to be created)."""


@dataclass(slots=True)
class AlarmRepeats:
    """The changes of one run. ``known``: those made before that repeat."""

    known: tuple[RepeatedStep, ...]
    now: float
    _before: dict[str, RepeatedStep] = field(default_factory=dict)
    _changes: dict[str, RepeatedStep] = field(default_factory=dict)

    def sift(
        self, wanted: Sequence[Alarm], surplus: Sequence[str], existing: Mapping[str, Alarm]
    ) -> tuple[list[Alarm], list[str]]:
        """The alarms to put and the names to delete now."""
        # The state is CloudWatch's own and changes by itself: it makes no other change of the same one.
        there = {name: replace(alarm, state="") for name, alarm in existing.items()}
        changes: dict[str, Change] = {alarm.name: (alarm, there.get(alarm.name)) for alarm in wanted}
        changes |= {name: (None, there[name]) for name in surplus}
        self._before = {step.identity: step for step in self.known}
        self._changes = {name: _step(name, change, self.now) for name, change in changes.items()}
        due = self._due()
        return [alarm for alarm in wanted if alarm.name in due], [name for name in surplus if name in due]

    def _due(self) -> frozenset[str]:
        before = {name: self._before.get(step.identity) for name, step in self._changes.items()}
        again = [name for name, step in before.items() if step and self.now >= step.due_at]
        new = [name for name, step in before.items() if step is None]
        room = _MOST - (len(before) - len(new))
        return frozenset(again).union(new[: max(0, room)])

    def made(self, names: Collection[str]) -> tuple[RepeatedStep, ...]:
        """What to remember, now that the changes ``names`` were made. What need not be changed any more is forgotten."""
        found = {name: self._before.get(step.identity) for name, step in self._changes.items()}
        tried = {name: (found[name] or self._changes[name]) for name in self._changes if name in names}
        again = {name: step.again(self.now) if found[name] else step for name, step in tried.items()}
        return tuple(step for _, step in sorted({**found, **again}.items()) if step)


def problems(repeated: Iterable[RepeatedStep], now: float) -> tuple[str, ...]:
    """What people are told of what has repeated for a quarter of an hour."""
    return tuple(
        f"{NOT_KEPT}: CloudWatch accepts {step.what} and does not keep it. It is tried again every {step.wait_seconds} seconds."
        for step in repeated
        if step.is_told(now)
    )


def _step(name: str, change: Change, now: float) -> RepeatedStep:
    """The change as made for the first time."""
    identity = hashlib.sha256(repr((name, change)).encode()).hexdigest()[:16]
    return RepeatedStep(identity, f"{_what(change)} of alarm {name}", (), now, 1, now)


def _what(change: Change) -> str:
    """What is changed, for people: the members that differ."""
    wanted, existing = change
    if wanted is None or existing is None:
        return "the deletion" if wanted is None else "the creation"
    names = [each.name for each in fields(Alarm)]
    return ", ".join(name.replace("_", " ") for name in names if getattr(wanted, name) != getattr(existing, name))
