"""The one place that knows the real collaborators: settings and clients in, workers out. Built once per environment."""

import dataclasses
import time
from functools import cache
from typing import Any

from ecs_lattice import codec, settings
from ecs_lattice.aws import clients
from ecs_lattice.aws.alarm_queue import AlarmQueue
from ecs_lattice.aws.announcer import EventBridgeAnnouncer
from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.dead_letters import DeadLetters
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.evidence import BotoSources
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.aws.letter_box import SqsLetterBox
from ecs_lattice.aws.metrics import EmfMetrics
from ecs_lattice.aws.queues import SqsBells, SqsVisibility
from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.aws.tagging import BotoOwned
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.aws.topic import SnsTopic
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.custom_resource.resource import IngressResource
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.respond import Responder
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.health.keeping import AlarmKeeper
from ecs_lattice.health.probe import Probe
from ecs_lattice.health.reconciles import ReconcileMetrics
from ecs_lattice.ingress import Ingress
from ecs_lattice.intake import Intake
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.model import ServiceId
from ecs_lattice.oncall import OnCall
from ecs_lattice.resync import Resync
from ecs_lattice.settings import Settings
from ecs_lattice.worker import Worker


@cache
def _settings() -> Settings:
    return settings.read()


@cache
def _registry() -> DynamoRegistry:
    return DynamoRegistry(clients.dynamodb(), _settings().table)


@cache
def bells() -> SqsBells:
    """The bells of this stack."""
    return SqsBells(
        clients.sqs(),
        ecs_services=_settings().ecs_services_queue,
        lattice_services=_settings().lattice_services_queue,
        later=_settings().ecs_events_queue,
    )


@cache
def intake() -> Intake:
    """What ``ecs_events`` runs."""
    dead_letters = DeadLetters(clients.sqs(), _settings().dead_letter_queue, "ecs_events")
    return Intake(_registry(), bells(), dead_letters, time.time)


@cache
def _ingress() -> Ingress:
    return Ingress(BotoSecurityGroups(clients.ec2(), _settings().owner), _registry(), _settings().owner)


@cache
def _ecs_side() -> EcsSide:
    return EcsSide(
        _settings(),
        BotoEcs(clients.ecs(), clients.ec2()),
        BotoTargets(clients.lattice()),
        _registry(),
        bells(),
        time.time,
        _ingress(),
        EventBridgeAnnouncer(clients.events(), _settings().owner, time.time),
    )


@cache
def _lattice_side() -> LatticeSide:
    return LatticeSide(_settings(), BotoLattice(clients.lattice()), _registry(), bells(), time.time)


@cache
def ecs_worker() -> Worker:
    """What ``ecs_service`` runs."""
    visibility = SqsVisibility(clients.sqs(), _settings().ecs_services_queue)
    return Worker(
        "ecsService",
        lambda arn: _ecs_side().reconcile(ServiceId(arn)),
        bells(),
        _registry(),
        visibility,
        time.time,
        ReconcileMetrics(_settings().owner, EmfMetrics()),
    )


@cache
def lattice_worker() -> Worker:
    """What ``lattice_service`` runs."""
    visibility = SqsVisibility(clients.sqs(), _settings().lattice_services_queue)
    return Worker(
        "latticeService",
        _lattice_side().reconcile,
        bells(),
        _registry(),
        visibility,
        time.time,
        ReconcileMetrics(_settings().owner, EmfMetrics()),
    )


def plan_lattice_service(name: str) -> dict[str, Any]:
    """What a reconcile of the Lattice service would do, as data."""
    return dict(codec.to_data(_lattice_side().plan(name)))


def plan_ecs_service(arn: str) -> dict[str, Any]:
    """What a reconcile of the ECS service would do, with the plans of the Lattice services that it touches."""
    plan = _ecs_side().plan(ServiceId(arn))
    standing = {record.lattice_service for record in _registry().claims_of(ServiceId(arn))}
    names = sorted(standing | {claim.route.lattice_service for claim in plan.claims})
    lattice_plans = [codec.to_data(_lattice_side().plan(name, _overlaid(name, plan.claims))) for name in names]
    return {**codec.to_data(plan), "latticeServices": lattice_plans}


def _overlaid(name: str, claims: tuple[Claim, ...]) -> tuple[ClaimRecord, ...]:
    """The registry's records of a Lattice service as they would stand with ``claims`` written."""
    records = {record.key: record for record in _registry().claims_on(name)}
    for claim in (claim for claim in claims if claim.route.lattice_service == name):
        written = ClaimRecord(claim, declared_generation=1)
        before = records.get(written.key)
        records[written.key] = dataclasses.replace(before, claim=claim) if before else written
    return tuple(records.values())


@cache
def resync() -> Resync:
    """What ``resync`` runs."""
    owned = BotoOwned(clients.tagging(), clients.lattice(), _settings().owner)
    ecs = BotoEcs(clients.ecs(), clients.ec2())
    return Resync(_settings(), ecs, _registry(), bells(), owned, _ingress(), time.time, time.sleep)


@cache
def target_health() -> Probe:
    """What ``target_health`` runs."""
    owner, label_prefix = _settings().owner, _settings().label_prefix
    alarms = BotoAlarms(clients.cloudwatch(), owner)
    return Probe(
        owner,
        _registry(),
        BotoTargets(clients.lattice()),
        BotoEcs(clients.ecs(), clients.ec2()),
        EmfMetrics(),
        AlarmKeeper(owner, label_prefix, alarms, time.time, time.sleep),
        time.time,
        time.sleep,
        ecs_reads_per_second=_settings().ecs_reads_per_second,
    )


@cache
def _ingress_resource() -> IngressResource:
    return IngressResource(_ingress(), _registry(), time.time, time.sleep)


def custom_resources(log: str) -> CustomResources:
    """What ``lattice_ingress`` runs. Its collaborators are made when a request is worked, so that a bad environment is
    answered, too."""
    return CustomResources(lambda request: _ingress_resource().apply(request), HttpDelivery(), log)


@cache
def alarm() -> OnCall:
    """What ``alarm`` runs."""
    own, sqs = _settings(), clients.sqs()
    sources = BotoSources(clients.ecs(), clients.ec2(), clients.lattice())
    groups = BotoSecurityGroups(clients.ec2(), own.owner)
    responder = Responder(
        owner=own.owner,
        table=own.table,
        collector=Collector(sources, groups, _registry(), time.time, own.label_prefix),
        memory=_registry(),
        topic=SnsTopic(clients.sns(), own.notify_topic),
        later=AlarmQueue(sqs, own.alarms_queue),
        letter_box=SqsLetterBox(sqs),
        metrics=EmfMetrics(),
        now=time.time,
    )
    dead_letters = DeadLetters(sqs, own.dead_letter_queue, "alarm")
    return OnCall(responder, dead_letters, SqsVisibility(sqs, own.alarms_queue), time.time)
