"""What ``target_health`` runs."""

from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.health.probe import Probe


def probe(wiring: Wiring) -> Probe:
    """The probe of all routes."""
    own, clients = wiring.settings, wiring.clients
    alarms = BotoAlarms(clients.cloudwatch, own.owner)
    return Probe(
        own.owner,
        wiring.registry,
        BotoTargets(clients.lattice),
        BotoEcs(clients.ecs, clients.ec2),
        wiring.requests,
        wiring.metrics,
        AlarmSync(own.owner, own.label_prefix, alarms, wiring.now, wiring.sleep),
        wiring.now,
        wiring.sleep,
        ecs_reads_per_second=own.ecs_reads_per_second,
    )
