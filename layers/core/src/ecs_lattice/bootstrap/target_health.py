"""What ``target_health`` runs."""

from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.health.probe import Probe, Probed
from ecs_lattice.history import kept


def run(wiring: Wiring, own_probe: Probe, seconds: float) -> Probed:
    """One run of the probe, whose changes of alarms are kept in the history."""
    with kept(wiring.history, wiring.now, "stack", "alarms", "routes were added, changed or removed"):
        return own_probe.run(seconds)


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
