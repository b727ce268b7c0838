"""What ``resync`` runs."""

import dataclasses
from typing import Any

from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.networks import BotoNetworks
from ecs_lattice.aws.tagging import BotoOwned
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.history import kept
from ecs_lattice.ingress.sweep import Sweeper
from ecs_lattice.lattice_side.auth_policies import PolicySweep
from ecs_lattice.lattice_side.network_sweep import NetworkSweep
from ecs_lattice.rebuild import Rebuild
from ecs_lattice.resync import Resync, approve_removals
from ecs_lattice.uninstall import Uninstall


def run(wiring: Wiring, mode: str, seconds: float) -> dict[str, Any]:
    """Carry out ``mode`` within ``seconds``; what was done, as data. Raises UnknownEventError for an unknown mode."""
    with kept(wiring.history, wiring.now, "stack", mode, "schedule" if mode == "sweep" else "invoked by hand"):
        match mode:
            case "sweep":
                return dataclasses.asdict(resync(wiring).sweep(seconds))
            case "uninstall":
                return uninstall(wiring).run()
            case "approve-removals":
                return approve_removals(wiring.registry, wiring.requests, wiring.now())
    raise UnknownEventError(f"mode {mode!r}; allowed are sweep, uninstall, approve-removals.")


def resync(wiring: Wiring) -> Resync:
    """The sweep."""
    networks = BotoNetworks(wiring.clients.lattice)
    return Resync(
        wiring.settings,
        BotoEcs(wiring.clients.ecs, wiring.clients.ec2),
        wiring.registry,
        wiring.requests,
        Sweeper(ingress(wiring), wiring.registry),
        _rebuild(wiring),
        NetworkSweep(networks, wiring.registry),
        PolicySweep(networks, wiring.settings, wiring.now),
        wiring.now,
        wiring.sleep,
    )


def uninstall(wiring: Wiring) -> Uninstall:
    """The operator's uninstall."""
    own = wiring.settings
    alarms = BotoAlarms(wiring.clients.cloudwatch, own.owner)
    return Uninstall(
        wiring.registry,
        wiring.requests,
        _rebuild(wiring),
        Sweeper(ingress(wiring), wiring.registry),
        AlarmSync(own.owner, own.label_prefix, alarms, wiring.now, wiring.sleep),
        wiring.now,
    )


def _rebuild(wiring: Wiring) -> Rebuild:
    owned = BotoOwned(wiring.clients.tagging, wiring.clients.lattice, wiring.settings.owner)
    return Rebuild(wiring.registry, wiring.requests, owned, wiring.now)
