"""What the application tells the world by itself: routes that turned Refused or Conflicted, and that turned well again.

Sent to the account's default event bus, so that anybody may listen: source ``ecs-lattice``, detail-type
``ECS Lattice Route State Change``, ``resources`` the ECS service's ARN, ``detail`` the members of :class:`StateChange`
in camel case, and ``owner``, the stack's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SOURCE = "ecs-lattice"
DETAIL_TYPE = "ECS Lattice Route State Change"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A route that is not as it was. ``route`` and ``lattice_service`` are empty when the whole declaration of the ECS
    service is meant, ``previous_state`` when nothing was known before. States are those of
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
    """Where announcements go. At least once: whoever listens must bear repetition."""

    def announce(self, changes: Sequence[StateChange]) -> None:
        """Tell all of them. Raises :class:`~ecs_lattice.errors.AwsError` when one could not be told."""
