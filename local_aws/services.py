"""The parts of one local AWS that moto's backends share: clock, network, event buses, IAM, compute.

:mod:`local_aws.server` and :mod:`local_aws.inprocess` build one :class:`Services` and pass it, or the part that is needed,
to whatever they construct. moto constructs its backends itself, by account and Region, without a parameter for it; they,
and the functions that replace moto's, find it with :func:`current`. This is the only registered value of the local AWS.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_aws.clock import Clock, ManualClock
from local_aws.eventbus import EventBus
from local_aws.network import InMemoryNetwork, Network

if TYPE_CHECKING:
    from local_aws.iam.enforcement import Enforcement
    from local_aws.runtime.compute import Compute
    from local_aws.stack.custom_responses import PendingResponses


@dataclass
class Services:
    """One local AWS. The optional parts exist in the server only."""

    clock: Clock = field(default_factory=ManualClock)
    network: Network = field(default_factory=InMemoryNetwork)
    events: EventBus = field(init=False)
    enforcement: "Enforcement | None" = None
    """Authorizes calls; None: every call is allowed."""
    compute: "Compute | None" = None
    """Runs functions."""
    responses: "PendingResponses | None" = None
    """Requests to custom resources that have not been answered yet."""
    has_trail: bool = False
    """Whether calls to VPC Lattice come as events, which takes a CloudTrail trail; those to ECS always do."""
    endpoint_url: str | None = None
    """Where clients reach all services."""

    def __post_init__(self) -> None:
        self.events = EventBus(self.clock)

    def running_compute(self) -> "Compute":
        """What runs functions; RuntimeError in the in-process local AWS, which has no compute."""
        if self.compute is None:
            raise RuntimeError("Functions run in the server only: start it with local_aws.server or `make local`.")
        return self.compute


_current = Services()


def register(services: Services) -> Services:
    """Make ``services`` the ones that moto's backends use; return those used before."""
    global _current  # moto's backends belong to the process, and so does what they share
    before, _current = _current, services
    return before


def current() -> Services:
    """The registered services."""
    return _current


def clock() -> Clock:
    """The clock of the registered services."""
    return _current.clock


def network() -> Network:
    """The network of the registered services."""
    return _current.network


def events() -> EventBus:
    """The event buses of the registered services."""
    return _current.events


__all__ = ["Services", "clock", "current", "events", "network", "register"]
