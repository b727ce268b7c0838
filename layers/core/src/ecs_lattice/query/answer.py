"""What ``query`` answers: the state of the stack, or the history of its changes. Reads only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice import codec, stack_state
from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.ecs_side import record as records
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.health.counts import count
from ecs_lattice.health.pace import Pace, read_all
from ecs_lattice.health.ports import TargetStatuses
from ecs_lattice.history import Entry, History
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Now, Registry, Sleep
from ecs_lattice.query import members
from ecs_lattice.query.status import SCHEMA, Stored, ecs_services, is_told, lattice_services
from ecs_lattice.settings import Settings

_THREADS = 8
_MOST_ENTRIES = 2000
_MOST_GROUPS = 400  # whose targets are counted; the state of the others comes without


@dataclass(frozen=True, slots=True)
class Query:
    """Answers the requests of one stack; ``version`` is that of the functions."""

    settings: Settings
    version: str
    registry: Registry
    history: History
    targets: TargetStatuses
    now: Now
    sleep: Sleep

    def answer(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to ``request`` within ``seconds``. Raises UnknownEventError, with what is allowed, for a member that
        is missing or wrong; AwsError when the registry cannot be read."""
        modes: dict[Any, Callable[[], dict[str, Any]]] = {
            "status": lambda: self._status(members.ecs_service(request), seconds),
            "history": lambda: self._history(members.since(request), members.key(request)),
        }
        mode = request.get("mode")
        if not isinstance(mode, str) or mode not in modes:
            raise UnknownEventError(f"mode {cut(repr(mode), VALUE)}; allowed are {' and '.join(modes)}.")
        return {"schema": SCHEMA, "at": self.now(), "stack": self._stack(), **modes[mode]()}

    def _stack(self) -> dict[str, Any]:
        own = self.settings
        return {
            "owner": own.owner,
            "labelPrefix": own.label_prefix,
            "version": self.version,
            "clusters": list(own.clusters),
            "isUninstalling": stack_state.is_uninstalling(self.registry),
            "isRebuilding": not stack_state.is_complete(self.registry),
        }

    def _status(self, service: ServiceId | None, seconds: float) -> dict[str, Any]:
        stored = self._stored_of(service) if service else self._stored()
        groups = stored.target_groups[:_MOST_GROUPS]
        pace = Pace(self.now, self.sleep, self.now() + seconds)
        read = read_all(groups, self.targets.statuses, pace, _THREADS)
        targets = {group: dict(count(statuses).by_status) for group, statuses in read.values.items()}
        return {"ecsServices": ecs_services(stored, targets), "latticeServices": lattice_services(stored)}

    def _stored(self) -> Stored:
        found = (records.parse(text) for _, text in self.registry.documents(records.KIND))
        told = tuple(record for record in found if is_told(record))
        return Stored(told, tuple(self.registry.claims()), tuple(self.registry.lattice_records()))

    def _stored_of(self, service: ServiceId) -> Stored:
        record = records.read(self.registry, service)
        claims = self.registry.claims_of(service)
        names = sorted({claim.lattice_service for claim in claims})
        told = (record,) if record else ()
        return Stored(told, claims, tuple(self.registry.lattice(name) for name in names))

    def _history(self, since: float, key: str) -> dict[str, Any]:
        """The newest entries since then that are about ``key`` (empty: about anything), oldest first."""
        found = [entry for entry in self.history.since(since) if key in {"", entry.key}]
        return {"entries": [_entry(entry) for entry in found[-_MOST_ENTRIES:]], "isCut": len(found) > _MOST_ENTRIES}


def _entry(entry: Entry) -> dict[str, Any]:
    return dict(codec.to_data(entry))
