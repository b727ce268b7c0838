"""What ``ecs_service`` runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ecs_lattice import codec
from ecs_lattice.aws.announcer import EventBridgeAnnouncer
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.bootstrap.reconciles import reconcile_consumer
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Outcome


def ecs_side(wiring: Wiring) -> EcsSide:
    """The reconciler of ECS services."""
    return EcsSide(
        wiring.settings,
        BotoEcs(wiring.clients.ecs, wiring.clients.ec2),
        BotoTargets(wiring.clients.lattice),
        wiring.registry,
        wiring.requests,
        wiring.now,
        ingress(wiring),
        EventBridgeAnnouncer(wiring.clients.events, wiring.settings.owner, wiring.now),
    )


def ecs_consumer(wiring: Wiring) -> ReconcileConsumer:
    """The consumer of the ECS services' queue."""
    side, queue = ecs_side(wiring), wiring.settings.ecs_services_queue

    def reconcile(arn: str, _claims_of: str = "") -> Outcome:
        return side.reconcile(ServiceId(arn))

    def forget_failures(arn: str) -> None:
        side.forget_failures(ServiceId(arn))

    consumer = reconcile_consumer(wiring, "ecsService", queue, reconcile)
    return dataclasses.replace(consumer, forget_failures=forget_failures)


def plan_ecs_service(wiring: Wiring, arn: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """What a reconcile of the ECS service would do, with the plans of the Lattice services that it affects, and all that would
    follow until nothing is left to do. With a member ``taskDefinition`` in ``event``: what follows a completed deployment of it,
    with ``serviceTags`` (name to value) instead of the service's own tags where they are given.

    Raises UnknownEventError, with what is allowed, where these members are wrong."""
    from ecs_lattice.bootstrap.lattice_service import lattice_side  # noqa: PLC0415  only a plan needs it
    from ecs_lattice.bootstrap.what_if import until_rest, what_if  # noqa: PLC0415  likewise

    side = ecs_side(wiring)
    if set(event) & {"taskDefinition", "serviceTags"}:
        if side.ecs.service(ServiceId(arn)) is None:
            raise UnknownEventError(f"ECS does not know the service {arn}, so that nothing can be planned for it.")
        side = dataclasses.replace(side, ecs=what_if(side.ecs, ServiceId(arn), event))
    plan = side.plan(ServiceId(arn))
    claimed = {record.lattice_service for record in wiring.registry.claims_of(ServiceId(arn))}
    names = sorted(claimed | {claim.route.lattice_service for claim in plan.claims})
    lattice = lattice_side(wiring)
    lattice_plans = [codec.to_data(lattice.plan(name, _with_claims(wiring, name, plan.claims))) for name in names]
    follows = until_rest(wiring, side, lattice, ServiceId(arn))
    return {**codec.to_data(plan), "latticeServices": lattice_plans, "untilRest": codec.to_data(follows)}


def _with_claims(wiring: Wiring, name: str, claims: tuple[Claim, ...]) -> tuple[ClaimRecord, ...]:
    """The registry's records of a Lattice service as they would be with ``claims`` written."""
    records = {record.key: record for record in wiring.registry.claims_on(name)}
    for claim in (claim for claim in claims if claim.route.lattice_service == name):
        written = ClaimRecord(claim, declared_generation=1)
        before = records.get(written.key)
        records[written.key] = dataclasses.replace(before, claim=claim) if before else written
    return tuple(records.values())
