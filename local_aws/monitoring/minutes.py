"""What CloudWatch does once per minute of the local AWS's time, shortly after the minute."""

import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from local_aws.services import clock

if TYPE_CHECKING:
    from local_aws.clock import Timer

SETTLE_SECONDS = 5.0
"""How long after a minute alarms are evaluated. Assumption: AWS does so within about a minute."""
_MINUTE = 60

Sample = Callable[[float], None]
"""Records the metrics of a service at the given time within the last minute."""


class Minutes:
    """A timer on the clock for as long as ``wanted`` is true."""

    def __init__(self, evaluate: Callable[[int], None], wanted: Callable[[], bool]) -> None:
        self._evaluate = evaluate
        self._wanted = wanted
        self._samples: tuple[Sample, ...] = ()
        self._timer: Timer | None = None

    def sample(self, *samples: Sample) -> None:
        """Run every minute from now on, with these samples before alarms are evaluated."""
        self._samples = samples
        self.arm()

    def arm(self) -> None:
        """Set the timer for the end of the current minute, unless it is set."""
        if self._timer is None and (self._samples or self._wanted()):
            now = clock().time()
            end = (int(now) // _MINUTE + 1) * _MINUTE
            self._timer = clock().call_later(end + SETTLE_SECONDS - now, self._run)

    def stop(self) -> None:
        self._samples = ()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _run(self) -> None:
        end = int(clock().time()) // _MINUTE * _MINUTE
        self._timer = None
        self.arm()
        for sample in self._samples:
            try:
                sample(end - 1)
            except Exception:  # one service's metrics must not stop the alarms
                traceback.print_exc(file=sys.stderr)
        self._evaluate(end)
