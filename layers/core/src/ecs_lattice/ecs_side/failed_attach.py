"""Which attachment is not repeated, and what makes it a new try: pure.

An attachment that has failed fails again for as long as everything that it depends on is the same: the revision and the list
(the record's ``failed``) and the conditions here. A change of any of them is a new try, and so is a deployment that somebody
else starts, for the cause may be one that nothing here sees; of those alone two may fail in a day.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice.ecs_side.fingerprints import fingerprint
from ecs_lattice.facts import Deployment, EcsService
from ecs_lattice.model import Route
from ecs_lattice.outcome import Problem

MOST_NOT_TAKEN = 2
"""So many attachments may complete without DescribeServices showing the list."""
_MOST_REPEATED, _DAY_SECONDS = 2, 86400


@dataclass(frozen=True, slots=True)
class FailedAttach:
    """``conditions``: their fingerprint when the attachment began; empty where they are not known, as in records of earlier
    versions. ``deployment``: the id of the PRIMARY deployment after it, empty while the list is still being restored.
    ``repeated``: when tries failed for which another deployment was the only reason (epoch seconds). ``not_taken``: how
    many attachments completed whose list DescribeServices did not show."""

    conditions: str = ""
    deployment: str = ""
    repeated: tuple[float, ...] = ()
    not_taken: int = 0


def conditions(
    service: EcsService, primary: Deployment, routes: Iterable[Route], left_closed: Iterable[Problem]
) -> str:
    """The fingerprint of what an attachment depends on besides revision and list. ``routes``: those that are declared;
    ``left_closed``: which security groups are closed."""
    checked = [route for route in routes if route.targets != "controller"]
    grace = max((service.grace_period or 0, *(route.health_grace for route in checked)))
    return fingerprint(
        sorted(fingerprint(route.lattice_service, route.name, route.health) for route in checked),
        sorted(primary.security_groups),
        sorted(fingerprint(problem.where, problem.command) for problem in left_closed),
        [service.minimum_healthy_percent, service.maximum_percent, grace],
    )


def is_new_try(known: FailedAttach, now_conditions: str, deployment: str, now: float) -> bool:
    """Whether what has failed may be tried again. ``deployment``: the id of the PRIMARY deployment."""
    if 0 < known.not_taken < MOST_NOT_TAKEN:
        return True
    if not known.conditions:
        return False
    if known.conditions != now_conditions:
        return True
    return known.deployment not in {"", deployment} and len(_of_today(known, now)) < _MOST_REPEATED


def after_failure(known: FailedAttach, began_with: str, now: float, *, is_same: bool) -> FailedAttach:
    """What to remember of an attachment that has failed just now and began with the conditions ``began_with``. ``is_same``:
    revision and list are those of the failure that is ``known``."""
    is_repeated = is_same and known.conditions == began_with and bool(known.deployment)
    return FailedAttach(began_with, repeated=(*_of_today(known, now), now) if is_repeated else ())


def after_not_taken(
    known: FailedAttach, began_with: str, deployment: str, now: float, *, is_same: bool
) -> FailedAttach:
    """The same for one that has completed as ``deployment``, whose list is not shown."""
    if not (is_same and known.conditions == began_with):
        return FailedAttach(began_with, deployment, not_taken=1)
    is_repeated = known.not_taken >= MOST_NOT_TAKEN
    repeated = (*_of_today(known, now), now) if is_repeated else known.repeated
    return FailedAttach(began_with, deployment, repeated, known.not_taken + 1)


def restored(known: FailedAttach, deployment: str) -> FailedAttach:
    """``known`` once the list is restored: any PRIMARY deployment but ``deployment`` is somebody else's."""
    return dataclasses.replace(known, deployment=deployment)


def _of_today(known: FailedAttach, now: float) -> tuple[float, ...]:
    return tuple(at for at in known.repeated if now - at < _DAY_SECONDS)
