"""Whether ECS governs the weights of a service's rules though no listed deployment says so.

A deployment leaves the list of DescribeServices as soon as its tasks have stopped, one that has just begun is not in it, and
UpdateService with ``deploymentConfiguration`` starts none (Amazon ECS API). So the current service revisions and those of ongoing
service deployments are asked as well, by what they were resolved to (ServiceRevision.resolvedConfiguration); and that ECS has governed
is remembered until a completed deployment is the only one and none of these revisions has a production rule.
"""

import dataclasses
from collections.abc import Collection

from ecs_lattice import ports
from ecs_lattice.ecs_side.effective_revision import is_completed
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService


def followed(record: EcsRecord, service: EcsService, groups: Collection[str], ecs: ports.Ecs) -> tuple[EcsRecord, bool]:
    """The record to continue with, and whether ECS governs the service's rules now.

    ``groups`` are the ARNs of the service's own target groups. Reads service deployments and revisions once nothing else says that ECS
    governs.
    """
    governs = service.shifts_traffic(groups) or _is_unsettled(record, service) or _is_said(record, service, groups, ecs)
    return (record if record.governed == governs else dataclasses.replace(record, governed=governs)), governs


def _is_unsettled(record: EcsRecord, service: EcsService) -> bool:
    """Whether ECS has governed and the deployment that may end it has not completed alone."""
    return record.governed and not (len(service.deployments) == 1 and is_completed(service, service.deployments[0]))


def _is_said(record: EcsRecord, service: EcsService, groups: Collection[str], ecs: ports.Ecs) -> bool:
    """Whether a current or an ongoing revision says that ECS shifts the traffic of ``groups``. What cannot be read is
    unknown: it counts as said. Where ECS has governed, what goes on has not ended it either."""
    ongoing = ecs.ongoing_revisions(service.id)
    if record.governed and ongoing:
        return True
    asked = tuple(dict.fromkeys([*service.revisions, *ongoing]))
    found = ecs.revisions(asked) if asked else ()
    named = frozenset[str]().union(*(revision.governed_groups for revision in found))
    return len(found) < len(asked) or bool(named & set(groups))
