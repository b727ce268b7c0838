"""Brings the routes' alarms in line with the claims: reads them and writes the differences, paced and limited per run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import batched

from ecs_lattice.bounds import listed
from ecs_lattice.claims import ClaimRecord, RepeatedStep
from ecs_lattice.errors import AwsError, DeniedError, OutOfTimeError, ThrottledError
from ecs_lattice.health import metric_names
from ecs_lattice.health.alarm_repeats import AlarmRepeats
from ecs_lattice.health.alarm_repeats import problems as not_kept
from ecs_lattice.health.alarms import Alarm, desired, differences
from ecs_lattice.health.pace import Pace
from ecs_lattice.health.ports import Alarms
from ecs_lattice.history import note
from ecs_lattice.ports import Now

_PUTS_A_RUN = 60
_CALLS_A_SECOND = 3.0  # CloudWatch quotas: PutMetricAlarm and DeleteAlarms, 3 a second each in a Region
_DELETES_A_CALL = 100  # CloudWatch API, DeleteAlarms


@dataclass(frozen=True, slots=True)
class SyncedAlarms:
    """What a run changed: how many alarms it put and deleted, and how many differences are ``remaining`` for the next run;
    ``foreign``: names taken by alarms that are not ours; ``problems``: calls that AWS rejected, and what CloudWatch does not
    keep; ``repeated``: the changes to remember for the next run."""

    put: int = 0
    deleted: int = 0
    remaining: int = 0
    foreign: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    repeated: tuple[RepeatedStep, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Existing:
    """The alarms with the stack's prefix; None where they could not be read, with the ``problem`` unless time or a quota was
    over."""

    alarms: tuple[Alarm, ...] | None
    problem: str = ""

    @property
    def states(self) -> Mapping[str, str] | None:
        """Their states in CloudWatch, by name; None: unknown."""
        return None if self.alarms is None else {alarm.name: alarm.state for alarm in self.alarms}


@dataclass(frozen=True, slots=True)
class AlarmSync:
    """Synchronizes the alarms of stack ``owner``."""

    owner: str
    label_prefix: str
    alarms: Alarms
    now: Now
    sleep: Callable[[float], None]

    def existing(self) -> Existing:
        """Read the alarms."""
        try:
            return Existing(self.alarms.with_prefix(metric_names.alarm_prefix(self.owner)))
        except (ThrottledError, OutOfTimeError):
            return Existing(None)
        except AwsError as error:
            return Existing(None, str(error))

    def sync(
        self,
        records: Iterable[ClaimRecord],
        seconds: float,
        *,
        may_delete: bool,
        existing: Existing | None = None,
        known: tuple[RepeatedStep, ...] = (),
    ) -> SyncedAlarms:
        """Make the alarms those of ``records``, all claims of the stack, within ``seconds``, from the ``existing`` ones.
        ``known``: the changes of the runs before that CloudWatch may not have kept.

        ``may_delete`` is False while the registry may have been lost: unknown routes are not deleted ones.
        """
        pace = Pace(self.now, self.sleep, self.now() + seconds, every=1 / _CALLS_A_SECOND)
        wanted = desired(self.owner, self.label_prefix, records)
        there = existing or self.existing()
        if there.alarms is None:
            unread = (there.problem,) if there.problem else ()
            return SyncedAlarms(remaining=len(wanted), problems=unread, repeated=known)
        found = differences(self.owner, wanted, there.alarms)
        surplus = found.delete if may_delete else ()
        repeats = AlarmRepeats(known, self.now())
        changed, dropped = repeats.sift(found.put, surplus, {alarm.name: alarm for alarm in there.alarms})
        problems: list[str] = []
        batches = batched(dropped, _DELETES_A_CALL, strict=False)
        deleted: list[str] = []
        for names in _succeeded(self.alarms.delete, batches, pace, problems):
            deleted += names
            note(f"delete the alarms {listed(names)}", "DeleteAlarms")
        put: list[str] = []
        for alarm in _succeeded(self.alarms.put, changed[:_PUTS_A_RUN], pace, problems):
            put.append(alarm.name)
            note(f"put alarm {alarm.name}", "PutMetricAlarm")
        remaining = len(found.put) + len(surplus) - len(put) - len(deleted)
        repeated = repeats.made({*put, *deleted})
        problems += not_kept(repeated, self.now())
        return SyncedAlarms(len(put), len(deleted), remaining, found.foreign, tuple(problems), repeated)

    def names(self) -> tuple[str, ...]:
        """The existing alarms of routes; foreign alarms under our prefix are left out."""
        return differences(self.owner, {}, self.alarms.with_prefix(metric_names.alarm_prefix(self.owner))).delete

    def delete_all(self, seconds: float) -> tuple[str, ...]:
        """Delete the routes' alarms within ``seconds``; the names of the remaining ones."""
        synced = self.sync((), seconds, may_delete=True)
        return self.names() if synced.remaining or synced.problems else ()


def _succeeded[T](call: Callable[[T], None], items: Iterable[T], pace: Pace, problems: list[str]) -> Iterator[T]:
    """Make one call per item; the items whose call succeeded. A failed call does not stop the others, unless they would fail
    too: the next run starts from what exists."""
    for item in items:
        try:
            pace.wait()
            call(item)
        except (ThrottledError, OutOfTimeError):
            return
        except AwsError as error:
            problems.append(str(error))
            if isinstance(error, DeniedError):
                return
        else:
            yield item
