"""Runs both reconcilers over copies until there is nothing left to do, and says what they did."""

import dataclasses
import heapq
import logging
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ecs_lattice import history, ports
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.ecs_side.what_if import PLANNED_ADDRESSES
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.ports import SecurityGroups
from ecs_lattice.lattice_side.ports import Holders, Lattice
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import NotYet, Outcome
from ecs_lattice.settings import Settings
from ecs_lattice.simulation.ecs import STARTED, SimulatedEcs
from ecs_lattice.simulation.lattice import SimulatedLattice, SimulatedTargets
from ecs_lattice.simulation.registry import SimulatedRegistry
from ecs_lattice.simulation.security_groups import SimulatedSecurityGroups

_MOST_RECONCILES = 200
_TRIES_WITHOUT_PROGRESS = 3
_UNLIMITED = 1_000_000
_DEPLOYMENT = re.compile(rf" \({STARTED}\d+\)")  # the id of a deployment that there is not yet


@dataclass(frozen=True, slots=True)
class Originals:
    """What the copies are made of."""

    settings: Settings
    ecs: ports.Ecs
    targets: Targets
    lattice: Lattice
    groups: SecurityGroups
    holders: Holders
    registry: ports.Registry
    now: ports.Now


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One write. ``after``: how many seconds after the beginning at the earliest, waits whose length AWS decides not counted;
    ``kind`` and ``key`` are those of the reconcile, ``call`` is the kind of step, ``text`` says what it does."""

    after: int
    kind: str
    key: str
    call: str
    text: str


@dataclass(frozen=True, slots=True)
class UntilRest:
    """All that would be done, in order. ``waits``: what is waited for at the end without anything that would end it here.
    ``is_whole``: there is nothing after it; otherwise the plan was cut."""

    steps: tuple[PlannedStep, ...]
    waits: tuple[str, ...] = ()
    is_whole: bool = True


def until_rest(originals: Originals, service: ServiceId) -> UntilRest:
    """What the stack would do for ``service`` from now on if nobody else did anything. Raises AwsError when a read fails."""
    with _without_log():
        return _Run(originals, originals.now()).until_rest(service)


@dataclass(slots=True)
class _Requests:
    """:class:`ecs_lattice.ports.RequestQueue`."""

    requests: deque[ReconcileRequest] = field(default_factory=deque)

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        self.requests += requests

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        """Not kept: it is for an ECS service whose place has become free, which is not planned."""


class _Silent:
    """:class:`ecs_lattice.messages.announcements.Announcer`."""

    def announce(self, changes: Sequence[StateChange]) -> None:
        """Tells nobody."""


class _Run:
    def __init__(self, originals: Originals, begin: float) -> None:
        self.begin = self.time = begin
        self.requests = _Requests()
        self.steps: list[PlannedStep] = []
        self.due: list[tuple[float, str, str]] = []
        self.tries: dict[tuple[str, str], tuple[str, int]] = {}
        self.waits: dict[tuple[str, str], str] = {}
        own = originals.settings
        settings = dataclasses.replace(own, max_attaching=_UNLIMITED)  # the deployments of others end
        registry = SimulatedRegistry(originals.registry)
        self.lattice = SimulatedLattice(originals.lattice, "")
        ecs = SimulatedEcs(originals.ecs, self.lattice, self.now)
        groups = SimulatedSecurityGroups(originals.groups)
        ingress = Ingress(groups, registry, own.owner, own.label_prefix, mode=own.ingress_groups)
        self.ecs_side = EcsSide(
            settings,
            ecs,
            SimulatedTargets(self.lattice, originals.targets),
            registry,
            self.requests,
            self.now,
            ingress,
            _Silent(),
        )
        self.lattice_side = LatticeSide(settings, self.lattice, registry, self.requests, self.now, originals.holders)

    def now(self) -> float:
        return self.time

    def until_rest(self, service: ServiceId) -> UntilRest:
        self.lattice.head = f"arn:{service.partition}:vpc-lattice:{service.region}:{service.account}"
        self.requests.enqueue([ReconcileRequest("ecsService", service.arn)])
        for _ in range(_MOST_RECONCILES):
            request = self._next()
            if request is None:
                return UntilRest(self._named(), tuple(dict.fromkeys(self.waits.values())))
            self._reconcile(request)
        return UntilRest(self._named(), tuple(dict.fromkeys(self.waits.values())), is_whole=False)

    def _next(self) -> ReconcileRequest | None:
        """The next request, or the one that is due first; the time is then when it is."""
        if self.requests.requests:
            return self.requests.requests.popleft()
        if not self.due:
            return None
        at, kind, key = heapq.heappop(self.due)
        self.time = max(self.time, at)
        return ReconcileRequest("ecsService" if kind == "ecsService" else "latticeService", key)

    def _reconcile(self, request: ReconcileRequest) -> None:
        kind, key = request.kind, request.key
        with history.collected() as noted:
            outcome: Outcome
            if kind == "ecsService":
                outcome = self.ecs_side.reconcile(ServiceId(key))
            else:
                outcome = self.lattice_side.reconcile(key, request.claims_of)
        after = int(self.time - self.begin)
        self.steps += [PlannedStep(after, kind, key, call, text) for call, text in noted]
        self._continue(kind, key, outcome, has_progress=bool(noted))

    def _continue(self, kind: str, key: str, outcome: Outcome, *, has_progress: bool) -> None:
        """Look again when ``outcome`` says so, unless it has said the same for several times, and nothing was done."""
        self.waits.pop((kind, key), None)
        if not isinstance(outcome, NotYet):
            self.tries.pop((kind, key), None)
            return
        why, tries = self.tries.get((kind, key), ("", 0))
        tries = tries + 1 if why == outcome.why and not has_progress else 1
        self.tries[kind, key] = outcome.why, tries
        if tries > _TRIES_WITHOUT_PROGRESS:
            self.waits[kind, key] = outcome.why
            return
        self.due = [each for each in self.due if each[1:] != (kind, key)]
        heapq.heapify(self.due)
        heapq.heappush(self.due, (self.time + max(outcome.after, 1), kind, key))

    def _named(self) -> tuple[PlannedStep, ...]:
        """The steps, with the names of what they create instead of ids that nothing has yet, and without addresses of tasks
        that there are not yet."""
        ids = sorted(self.lattice.created.items(), key=lambda item: len(item[0]), reverse=True)
        ids += [(text.format(""), "new-task-") for text in PLANNED_ADDRESSES.values()]

        def named(text: str) -> str:
            text = _DEPLOYMENT.sub("", text)
            for made, name in ids:
                text = text.replace(made, name)
            return text

        return tuple(dataclasses.replace(step, text=named(step.text)) for step in self.steps)


@contextmanager
def _without_log() -> Iterator[None]:
    """Keep what this thread decides out of the log meanwhile: nothing of it has happened."""
    thread = threading.get_ident()

    def is_real(record: logging.LogRecord) -> bool:
        return record.thread != thread or not record.name.startswith("ecs_lattice.")

    handlers = logging.getLogger().handlers[:]
    for handler in handlers:
        handler.addFilter(is_real)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_real)
