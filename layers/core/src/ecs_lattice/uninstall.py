"""Releases every ECS service and deletes what the application created, so that the stack can be deleted."""

import json
from dataclasses import dataclass

from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.ingress.sweep import Sweeper
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.rebuild import Rebuild
from ecs_lattice.stack_state import UNINSTALL, UNINSTALLED, is_uninstalling

_ALARMS_SECONDS = 60.0  # at most, for deleting the routes' alarms


@dataclass(frozen=True, slots=True)
class Uninstall:
    """Each run requests what is left; the reconcilers do the work between the runs."""

    registry: Registry
    requests: RequestQueue
    rebuild: Rebuild
    sweeper: Sweeper
    alarms: AlarmSync
    now: Now

    def run(self) -> dict[str, dict[str, list[str]]]:
        """Release every service, in order and without grace time; the answer has what is left. Repeat until it is empty."""
        if not is_uninstalling(self.registry):
            # An earlier uninstall that was taken back by hand may have ended; this one has not.
            self.registry.delete_document("stack", UNINSTALLED)
            self.registry.put_document("stack", UNINSTALL, json.dumps({"at": self.now()}))
        # Also what a lost table has forgotten: no declaration claims it again.
        groups = self.rebuild.adopt().groups
        services = [arn for arn, _ in self.registry.documents("ecs")]
        lattice_services = [record.name for record in self.registry.lattice_records()]
        self.requests.enqueue(ReconcileRequest("ecsService", arn, "uninstall", self.now()) for arn in services)
        self.requests.enqueue(
            ReconcileRequest("latticeService", name, "uninstall", self.now()) for name in lattice_services
        )
        is_all_released = not services and not lattice_services
        found = {
            "ecsServices": services,
            "latticeServices": lattice_services,
            "targetGroups": list(groups),
            "securityGroupRules": self.sweeper.sweep(is_all_released=is_all_released).unneeded,
            "alarms": self.alarms.delete_all(_ALARMS_SECONDS) if is_all_released else self.alarms.names(),
        }
        left = {kind: sorted(names) for kind, names in found.items()}
        self._note_end(has_ended=not any(left.values()))
        return {"left": left}

    def _note_end(self, *, has_ended: bool) -> None:
        """Once it has ended, deleting the stack also deletes what the stack retains (:mod:`ecs_lattice.retained`)."""
        if has_ended:
            self.registry.put_document("stack", UNINSTALLED, json.dumps({"at": self.now()}))
        elif self.registry.document("stack", UNINSTALLED) is not None:
            self.registry.delete_document("stack", UNINSTALLED)
