"""What ``ecs_service`` runs."""

import dataclasses
import time
from functools import cache
from typing import Any

from ecs_lattice import codec
from ecs_lattice.aws import clients
from ecs_lattice.aws.announcer import EventBridgeAnnouncer
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import registry, request_queue, settings
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.bootstrap.workers import worker
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.model import ServiceId


@cache
def _ecs_side() -> EcsSide:
    return EcsSide(
        settings(),
        BotoEcs(clients.ecs(), clients.ec2()),
        BotoTargets(clients.lattice()),
        registry(),
        request_queue(),
        time.time,
        ingress(),
        EventBridgeAnnouncer(clients.events(), settings().owner, time.time),
    )


@cache
def ecs_worker() -> ReconcileConsumer:
    """The consumer of the ECS services' queue."""
    return worker("ecsService", settings().ecs_services_queue, lambda arn: _ecs_side().reconcile(ServiceId(arn)))


def plan_ecs_service(arn: str) -> dict[str, Any]:
    """What a reconcile of the ECS service would do, with the plans of the Lattice services that it touches."""
    # Only a plan needs the Lattice side here; a reconcile, which is what starts are for, rings for it.
    from ecs_lattice.bootstrap.lattice_service import lattice_side  # noqa: PLC0415

    plan = _ecs_side().plan(ServiceId(arn))
    standing = {record.lattice_service for record in registry().claims_of(ServiceId(arn))}
    names = sorted(standing | {claim.route.lattice_service for claim in plan.claims})
    lattice_plans = [codec.to_data(lattice_side().plan(name, _overlaid(name, plan.claims))) for name in names]
    return {**codec.to_data(plan), "latticeServices": lattice_plans}


def _overlaid(name: str, claims: tuple[Claim, ...]) -> tuple[ClaimRecord, ...]:
    """The registry's records of a Lattice service as they would stand with ``claims`` written."""
    records = {record.key: record for record in registry().claims_on(name)}
    for claim in (claim for claim in claims if claim.route.lattice_service == name):
        written = ClaimRecord(claim, declared_generation=1)
        before = records.get(written.key)
        records[written.key] = dataclasses.replace(before, claim=claim) if before else written
    return tuple(records.values())
