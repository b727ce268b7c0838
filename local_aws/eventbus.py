"""The default event bus as the simulated services see it: publish an event, keep what was published.

Whoever delivers (EventBridge rules in the server, the harness in tests) subscribes.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_aws import clock

Event = dict[str, Any]
Subscriber = Callable[[Event], None]

ACCOUNT = "123456789012"
REGION = "us-east-1"

history: list[Event] = []
_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Hand every event published from now on to ``subscriber``."""
    _subscribers.append(subscriber)


def reset() -> None:
    """Forget subscribers and history."""
    history.clear()
    _subscribers.clear()


def publish(source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> Event:
    """Put one event on the default bus, in the envelope that every AWS event has."""
    event: Event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": clock.iso(),
        "region": REGION,
        "resources": list(resources),
        "detail": dict(detail),
    }
    history.append(event)
    for subscriber in tuple(_subscribers):
        subscriber(event)
    return event
