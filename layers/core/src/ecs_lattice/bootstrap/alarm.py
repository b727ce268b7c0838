"""What ``alarm`` runs."""

import time
from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.evidence import BotoSources
from ecs_lattice.aws.metrics import EmfMetrics
from ecs_lattice.aws.queues import AlarmQueue, DeadLetters, SqsDeadLetterQueue, SqsVisibility
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.aws.topic import SnsTopic
from ecs_lattice.bootstrap.common import registry, settings
from ecs_lattice.consumers.alarms import AlarmConsumer
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.respond import Responder


@cache
def alarm() -> AlarmConsumer:
    """The consumer of the alarms' queue."""
    own, sqs = settings(), clients.sqs()
    sources = BotoSources(clients.ecs(), clients.ec2(), clients.lattice())
    groups = BotoSecurityGroups(clients.ec2(), own.owner)
    responder = Responder(
        owner=own.owner,
        table=own.table,
        collector=Collector(sources, groups, registry(), time.time, own.label_prefix),
        memory=registry(),
        topic=SnsTopic(clients.sns(), own.notify_topic),
        later=AlarmQueue(sqs, own.alarms_queue),
        dead_letter_queue=SqsDeadLetterQueue(sqs),
        metrics=EmfMetrics(),
        now=time.time,
    )
    dead_letters = DeadLetters(sqs, own.dead_letter_queue, "alarm")
    return AlarmConsumer(responder, dead_letters, SqsVisibility(sqs, own.alarms_queue), time.time)
