"""Keeps the routes' alarms as they should be: reads them, and writes what differs, slowly and so many a run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.errors import AwsError, DeniedError, OutOfTimeError, ThrottledError
from ecs_lattice.health import metric_names
from ecs_lattice.health.alarms import Alarm, desired, differences
from ecs_lattice.health.pace import Pace
from ecs_lattice.health.ports import Alarms
from ecs_lattice.ports import Now

_PUTS_A_RUN = 60
_CALLS_A_SECOND = 3.0  # CloudWatch quotas: PutMetricAlarm and DeleteAlarms, 3 a second each in a Region
_DELETES_A_CALL = 100  # CloudWatch API, DeleteAlarms


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run did to the alarms: how many it put and deleted, how many differences it left for the next one, the names
    that an alarm of somebody else has, and what AWS did not carry out."""

    put: int = 0
    deleted: int = 0
    left: int = 0
    foreign: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmSync:
    """Keeps the alarms of stack ``owner``."""

    owner: str
    label_prefix: str
    alarms: Alarms
    now: Now
    sleep: Callable[[float], None]

    def keep(self, records: Iterable[ClaimRecord], seconds: float, *, may_delete: bool) -> Kept:
        """Make the alarms those of ``records``, all claims of the stack, for ``seconds`` at most.

        ``may_delete`` is False while the registry may have been lost: what is unknown is not empty.
        """
        pace = Pace(self.now, self.sleep, self.now() + seconds, every=1 / _CALLS_A_SECOND)
        wanted = desired(self.owner, self.label_prefix, records)
        try:
            seen = self.alarms.with_prefix(metric_names.alarm_prefix(self.owner))
        except (ThrottledError, OutOfTimeError):
            return Kept(left=len(wanted))
        except AwsError as error:
            return Kept(left=len(wanted), problems=(str(error),))
        found = differences(self.owner, wanted, seen)
        delete = found.delete if may_delete else ()
        problems: list[str] = []
        deleted = sum(self._carried_out(self._deletes(delete), pace, problems))
        put = sum(self._carried_out(self._puts(found.put[:_PUTS_A_RUN]), pace, problems))
        left = len(found.put) + len(delete) - put - deleted
        return Kept(put, deleted, left, found.foreign, tuple(problems))

    def names(self) -> tuple[str, ...]:
        """The routes' alarms that there are; those that somebody else made under our prefix are not ours."""
        return differences(self.owner, {}, self.alarms.with_prefix(metric_names.alarm_prefix(self.owner))).delete

    def delete_all(self, seconds: float) -> tuple[str, ...]:
        """Delete the routes' alarms, for ``seconds`` at most; those that are left."""
        kept = self.keep((), seconds, may_delete=True)
        return self.names() if kept.left or kept.problems else ()

    def _deletes(self, names: Sequence[str]) -> Iterator[tuple[int, Callable[[], None]]]:
        for start in range(0, len(names), _DELETES_A_CALL):
            part = names[start : start + _DELETES_A_CALL]
            yield len(part), lambda part=part: self.alarms.delete(part)  # type: ignore[misc]  # bound at once

    def _puts(self, alarms: Sequence[Alarm]) -> Iterator[tuple[int, Callable[[], None]]]:
        for alarm in alarms:
            yield 1, lambda alarm=alarm: self.alarms.put(alarm)  # type: ignore[misc]  # bound at once

    def _carried_out(
        self, calls: Iterable[tuple[int, Callable[[], None]]], pace: Pace, problems: list[str]
    ) -> Iterator[int]:
        """Make the calls in turn; how many alarms each of them was for. One that fails does not stop the others, unless
        they would fail, too: the next run looks again, whatever became of them."""
        for size, call in calls:
            try:
                pace.wait()
                call()
            except (ThrottledError, OutOfTimeError):
                return
            except AwsError as error:
                problems.append(str(error))
                if isinstance(error, DeniedError):
                    return
            else:
                yield size
