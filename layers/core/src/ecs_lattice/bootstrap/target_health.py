"""What ``target_health`` runs."""

import time
from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.metrics import EmfMetrics
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import registry, settings
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.health.probe import Probe


@cache
def target_health() -> Probe:
    """The probe of all routes."""
    own = settings()
    alarms = BotoAlarms(clients.cloudwatch(), own.owner)
    return Probe(
        own.owner,
        registry(),
        BotoTargets(clients.lattice()),
        BotoEcs(clients.ecs(), clients.ec2()),
        EmfMetrics(),
        AlarmSync(own.owner, own.label_prefix, alarms, time.time, time.sleep),
        time.time,
        time.sleep,
        ecs_reads_per_second=own.ecs_reads_per_second,
    )
