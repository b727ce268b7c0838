"""State changes of routes, which the application publishes: a route became Refused or Conflicted, or recovered from it.

Published on the account's default event bus, for any rule: source ``ecs-lattice``, detail-type ``ECS Lattice Route State
Change``, ``resources`` the ECS service's ARN, ``detail`` the members of :class:`StateChange` in camel case, and ``owner``,
the stack's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SOURCE = "ecs-lattice"
DETAIL_TYPE = "ECS Lattice Route State Change"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A route's new state. ``route`` and ``lattice_service`` are empty when it is that of the ECS service's whole
    declaration, ``previous_state`` when none was known before. States are those of
    :class:`~ecs_lattice.ecs_side.status.RouteStatus`."""

    ecs_service: str
    route: str
    lattice_service: str
    state: str
    code: str
    message: str
    previous_state: str = ""
    previous_code: str = ""


class Announcer(Protocol):
    """Publishes state changes, at least once: consumers must tolerate repetition."""

    def announce(self, changes: Sequence[StateChange]) -> None:
        """Publish all of them. Raises :class:`~ecs_lattice.errors.AwsError` when EventBridge did not accept one."""
