"""From calls to VPC Lattice by others to requests for the Lattice services that they may have changed.

The rule in the template decides which calls arrive: none of this stack's own roles, none of ECS, none that failed. Whatever
is missed here is noticed after ``DriftHours``, as where there is no trail.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ecs_lattice import drift_limit
from ecs_lattice.graph import id_of
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.ports import Now, Registry, RequestQueue

_KNOWN_SECONDS = 60  # between two scans of the registry, however many calls are about objects of others


@dataclass(slots=True)
class DriftRequests:
    """Enqueues the requests that the limit allows; what comes sooner waits for its time, once.

    Remembers the objects of the registry between invocations: ids are never used again, so what is found stays right, and
    an unknown id leads to a new look at most once a minute.
    """

    registry: Registry
    requests: RequestQueue
    now: Now
    _names: Mapping[str, str] = field(default_factory=dict)
    _read_at: float = 0.0

    def enqueue(self, calls: Mapping[str, str]) -> None:
        """Enqueue requests for the Lattice services of these objects; ``calls`` are named by the ids of the objects. Those
        that the registry does not know belong to others."""
        self._look_for(calls.keys())
        causes = {self._names[lattice_id]: call for lattice_id, call in calls.items() if lattice_id in self._names}
        now = self.now()
        for name, before in drift_limit.asked(self.registry, causes).items():
            if made := before.by_call(now):
                self._enqueue(ReconcileRequest("latticeService", name, causes[name], now), int(made.at - now))
                # Noted after, as all delayed requests are: a crash in between costs a second request.
                drift_limit.remember(self.registry, name, made)

    def _look_for(self, ids: Collection[str]) -> None:
        if all(lattice_id in self._names for lattice_id in ids) or self.now() < self._read_at + _KNOWN_SECONDS:
            return
        self._names = {
            id_of(known): record.name
            for record in self.registry.lattice_records()
            for known in (record.service_arn or "", *dict(record.groups).values(), *record.associations)
        }
        self._read_at = self.now()

    def _enqueue(self, request: ReconcileRequest, wait: int) -> None:
        if wait:
            self.requests.enqueue_later(request, wait)
        else:
            self.requests.enqueue([request])
