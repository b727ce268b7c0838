"""What ``resync`` runs."""

import time
from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.tagging import BotoOwned
from ecs_lattice.bootstrap.common import registry, request_queue, settings
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.resync import Resync


@cache
def resync() -> Resync:
    """The sweep and the acts of an operator."""
    owned = BotoOwned(clients.tagging(), clients.lattice(), settings().owner)
    ecs = BotoEcs(clients.ecs(), clients.ec2())
    own = settings()
    alarms = AlarmSync(own.owner, own.label_prefix, BotoAlarms(clients.cloudwatch(), own.owner), time.time, time.sleep)
    return Resync(own, ecs, registry(), request_queue(), owned, ingress(), time.time, time.sleep, alarms)
