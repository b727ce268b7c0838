"""The event buses of the simulated account: what services publish, and who receives it.

EventBridge rules (in the server) and test harnesses subscribe.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_aws.clock import Clock

Event = dict[str, Any]
Subscriber = Callable[[Event], None]

ACCOUNT = "123456789012"
REGION = "us-east-1"
DEFAULT_BUS = "default"


class EventBus:
    """All event buses of the account; ``history`` keeps the events of the default bus, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self.history: list[Event] = []
        self._clock = clock
        self._subscribers: list[Callable[[str, Event], None]] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Pass every later event of the default bus to ``subscriber``."""
        self._subscribers.append(lambda bus, event: subscriber(event) if bus == DEFAULT_BUS else None)

    def subscribe_to_all(self, subscriber: Callable[[str, Event], None]) -> None:
        """Pass every later event, with the name of its bus, to ``subscriber``."""
        self._subscribers.append(subscriber)

    def publish(
        self, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any], bus: str = DEFAULT_BUS
    ) -> Event:
        """Put one event on a bus, in the envelope that every AWS event has."""
        event: Event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": self._clock.iso(),
            "region": REGION,
            "resources": list(resources),
            "detail": dict(detail),
        }
        if bus == DEFAULT_BUS:
            self.history.append(event)
        for subscriber in tuple(self._subscribers):
            subscriber(bus, event)
        return event


__all__ = ["ACCOUNT", "DEFAULT_BUS", "REGION", "Event", "EventBus", "Subscriber"]
