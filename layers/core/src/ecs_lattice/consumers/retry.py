"""When a message that failed is delivered again: sooner than its queue's visibility timeout, later each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice.outcome import doubled
from ecs_lattice.ports import Visibility
from ecs_lattice.telemetry import logger


@dataclass(frozen=True, slots=True)
class Retry:
    """After ``first`` seconds, doubling with each receive, at most ``last``."""

    visibility: Visibility
    first: int
    last: int

    def later(self, record: Mapping[str, Any]) -> None:
        """Have the SQS record delivered again. Never raises: without this, the queue's visibility timeout applies."""
        received = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
        try:
            self.visibility.retry_in(record["receiptHandle"], int(doubled(self.first, received - 1, self.last)))
        except Exception:  # noqa: BLE001  must not hide the first failure
            logger.exception("The visibility of a message could not be changed")
