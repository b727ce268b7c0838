"""What ``alarm`` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_lattice.aws.evidence import BotoSources
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.aws.topic import SnsTopic
from ecs_lattice.consumers.alarms import AlarmConsumer
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.report_refusals import RefusalReporter
from ecs_lattice.diagnosis.respond import Responder

if TYPE_CHECKING:
    from ecs_lattice.bootstrap.common import Wiring
    from ecs_lattice.explain import Explainer


def alarm_consumer(wiring: Wiring) -> AlarmConsumer:
    """The consumer of the alarms' queue."""
    own = wiring.settings
    queue, dead_letters = wiring.queue(own.alarms_queue), wiring.dead_letters("alarm")
    topic = SnsTopic(wiring.clients.sns, own.notify_topic)
    responder = Responder(
        owner=own.owner,
        refusals=RefusalReporter(own.table, wiring.registry, topic, queue, wiring.now),
        collector=_collector(wiring),
        registry=wiring.registry,
        topic=topic,
        queue=queue,
        dead_letter_queue=dead_letters,
        metrics=wiring.metrics,
        now=wiring.now,
    )
    return AlarmConsumer(responder, dead_letters, queue, wiring.now)


def explainer(wiring: Wiring) -> Explainer:
    """Whoever answers why routes are not Live."""
    from ecs_lattice.explain import Explainer  # noqa: PLC0415  no notification needs it

    return Explainer(_collector(wiring), wiring.registry, wiring.now)


def _collector(wiring: Wiring) -> Collector:
    own, clients = wiring.settings, wiring.clients
    sources = BotoSources(clients.ecs, clients.ec2, clients.lattice)
    groups = BotoSecurityGroups(clients.ec2, own.owner)
    return Collector(sources, groups, wiring.registry, wiring.now, own.label_prefix, own.attach_minutes)
