"""Whether ECS still governs the weights of a service's rules after its list no longer says so.

A deployment leaves the list of DescribeServices as soon as its tasks have stopped, and UpdateService with
``deploymentConfiguration`` starts none (Amazon ECS API). So that ECS has governed is remembered until a completed deployment
under the strategy ROLLING is the only one and no current service revision has been resolved to a production rule
(Amazon ECS API, ServiceRevision.resolvedConfiguration).
"""

import dataclasses
from collections.abc import Collection

from ecs_lattice import ports
from ecs_lattice.ecs_side.effective_revision import is_completed
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService


def followed(record: EcsRecord, service: EcsService, groups: Collection[str], ecs: ports.Ecs) -> tuple[EcsRecord, bool]:
    """The record to continue with, and whether ECS governs the service's rules now.

    ``groups`` are the ARNs of the service's own target groups. Reads the current revisions once nothing else says that ECS governs.
    """
    governs = service.shifts_traffic(groups) or (record.governed and not _has_ended(service, groups, ecs))
    return (record if record.governed == governs else dataclasses.replace(record, governed=governs)), governs


def _has_ended(service: EcsService, groups: Collection[str], ecs: ports.Ecs) -> bool:
    """Whether nothing of ECS's own shifting is left. A revision that cannot be read is unknown: it has not ended."""
    if len(service.deployments) != 1 or not is_completed(service, service.deployments[0]):
        return False
    if not service.revisions:
        return True
    found = ecs.revisions(service.revisions)
    named = frozenset[str]().union(*(revision.governed_groups for revision in found))
    return len(found) == len(service.revisions) and not named & set(groups)
