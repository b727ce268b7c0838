"""A history of tenants as data, played in a world of its own, with all that clients of the Lattice service got meanwhile.

The Lattice service ``orders`` is held by the cluster ``shop``. There, ``one`` is live from the beginning and ``two`` may
join; no release of ``crashed`` ever completes. ``r1``, ``r2`` and ``r3`` are of the cluster ``rivals``: under
``Sharing=cluster`` they have no say in ``orders``. ``r1``, ``r2`` and ``crashed`` are older than ``one``.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice.model import ServiceId
from local_aws import inprocess, lattice
from local_aws.ecs.model import ServiceTask
from local_aws.ecs.registration import Registrar
from local_aws.lattice.routing import choose
from local_aws.network import Request
from tests.rest import comes_to_rest
from tests.tenants.direct import DirectWorld
from tests.tenants.tenants import CRASHES, ORDERS, OURS, RESYNC_SECONDS, RIVALS, effective, group_of, make_networks
from tests.world import SETTINGS

POWERLESS = "arn:aws:iam::123456789012:role/powerless"
MAY_SPEAK = ("one", "two")
MAY_NOT = ("crashed", "r1", "r2", "r3")
ASKED = [Request("GET", "/"), Request("GET", "/a"), Request("GET", "/b"), Request("POST", "/b/c"), Request("GET", "/c")]
SETTINGS_OF_PLAY = dataclasses.replace(
    SETTINGS, max_removals=1000, max_attaching=1000, grace_seconds=300.0, settle_seconds=30, drift_hours=0.5
)
"""Every resync reads every Lattice service: what one reconcile more or less would do early has happened by the end."""
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@dataclass(frozen=True)
class Step:
    """What one tenant does, and how many seconds pass after it. ``labels`` and ``tags`` without their prefix."""

    who: str
    what: str
    labels: tuple[tuple[str, str], ...] = ()
    seconds: int = 60

    @property
    def may_speak(self) -> bool:
        return self.who not in MAY_NOT

    def __str__(self) -> str:
        said = "".join(f" {key}={value}" for key, value in self.labels)
        return f"{self.who}: {self.what}{said}, then {self.seconds} s"


@dataclass
class Trace:
    """What clients got, one list a question: every answer that differed from the one before, in order."""

    answers: dict[str, list[Any]] = field(default_factory=dict)

    def note(self, question: str, answer: Any) -> None:
        known = self.answers.setdefault(question, [])
        if not known or known[-1] != answer:
            known.append(answer)


def play(steps: Iterable[Step], *, rests: bool = False) -> Trace:
    """All that clients of ``orders`` got in a world in which these steps happen, and what the tenants that may speak are
    told at the end. The steps of those that may not speak take their time even where they are left out. ``rests``: two hours
    follow, one in which ECS forgets the tasks that have stopped, and one in which nothing may be written."""
    with inprocess.started() as machine, powerless_role():
        player = Player(DirectWorld(machine, SETTINGS_OF_PLAY))
        trace = player.play(steps)
        if rests:
            player.world.run(3600)
            comes_to_rest(player.world)
        return trace


def without_others(steps: Iterable[Step]) -> list[Step]:
    """The history in which those that may not speak only let the time pass."""
    return [step if step.may_speak else Step("nobody", "waits", (), step.seconds) for step in steps]


class Player:
    def __init__(self, world: DirectWorld) -> None:
        self.world, self.trace = world, Trace()
        self.arns: dict[str, str] = {}

    def play(self, steps: Iterable[Step]) -> Trace:
        self._begin()
        for step in steps:
            getattr(self, f"_{step.what}")(step.who, dict(step.labels))
            self.world.run(step.seconds)
            self._note_slow()
        self.world.run(4 * RESYNC_SECONDS)
        self._note_slow()
        self._note_statuses()
        assert self.world.dead == []
        self.world.every_state_has_a_reason()
        return self.trace

    def _begin(self) -> None:
        world = self.world
        for cluster in (OURS, RIVALS):
            world.make_cluster(cluster)
        make_networks(world)
        world.registry.put_document("stack", "marker", "{}")
        self._resync_from_now_on()
        for name in ("crashed", "r1", "r2", "one"):
            self._deploy(name, {})
            world.run(5)

    def begin_to_note(self) -> None:
        lattice.backend().after_write.append(lambda _call: self._note())
        self._note()

    def _resync_from_now_on(self) -> None:
        def due() -> None:
            self.world.clock.call_later(RESYNC_SECONDS, due)
            self.world.resync.sweep(600)

        self.world.clock.call_later(RESYNC_SECONDS, due)

    # What tenants do

    def _waits(self, who: str, labels: Mapping[str, str]) -> None:
        """Nothing."""

    def _declares(self, who: str, labels: Mapping[str, str]) -> None:
        """A release with these labels; of a service that is not there, its first."""
        if self._is_there(who):
            self._update(who, taskDefinition=self._revision(who, labels))
        else:
            self._deploy(who, labels)
        if who == "one" and "one" not in self.trace.answers:
            self.world.run(600)
            self.trace.note("one", "")
            self.begin_to_note()

    def _fails(self, who: str, labels: Mapping[str, str]) -> None:
        """A release that crashes and is rolled back."""
        if self._is_there(who):
            self._update(who, taskDefinition=self._revision(who, labels, CRASHES))

    def _tags(self, who: str, labels: Mapping[str, str]) -> None:
        if self._is_there(who):
            tags = [{"key": f"lattice.{key}", "value": value} for key, value in labels.items()]
            self.world.ecs.tag_resource(resourceArn=self.arns[who], tags=tags)

    def _untags(self, who: str, labels: Mapping[str, str]) -> None:
        if self._is_there(who):
            keys = ("pause", "auth", "network", "service")
            self.world.ecs.untag_resource(resourceArn=self.arns[who], tagKeys=[f"lattice.{key}" for key in keys])

    def _stops(self, who: str, labels: Mapping[str, str]) -> None:
        self._update(who, desiredCount=0)

    def _starts(self, who: str, labels: Mapping[str, str]) -> None:
        self._update(who, desiredCount=1)

    def _deletes(self, who: str, labels: Mapping[str, str]) -> None:
        if self._is_there(who):
            self.world.ecs.delete_service(cluster=self._cluster(who), service=self.arns[who], force=True)

    def _lists(self, who: str, labels: Mapping[str, str]) -> None:
        """A list of its own that names every group of those that may speak, as far as ECS takes so many."""
        groups = [
            group.arn
            for group in lattice.backend().target_groups.values()
            if group.tags.get("ecs-lattice:service") in MAY_SPEAK
        ]
        entries = [
            {"roleArn": POWERLESS, "targetGroupArn": arn, "portName": port}
            for arn, port in zip(sorted(groups), ("web", "admin"), strict=False)
        ]
        self._update(who, vpcLatticeConfigurations=entries)

    def _loses(self, who: str, labels: Mapping[str, str]) -> None:
        self.world.table.items.clear()

    # How

    def _cluster(self, who: str) -> str:
        return RIVALS if who.startswith("r") else OURS

    def _is_there(self, who: str) -> bool:
        """Whether it is ACTIVE; an hour after its deletion ECS does not know it any more."""
        if who not in self.arns:
            return False
        found = self.world.ecs.describe_services(cluster=self._cluster(who), services=[self.arns[who]])["services"]
        return any(service["status"] == "ACTIVE" for service in found)

    def _deploy(self, who: str, labels: Mapping[str, str]) -> None:
        cluster = self._cluster(who)
        groups = [group_of(self.world, who)]
        revision = self._revision(who, labels)
        self.arns[who] = self.world.deploy(
            revision, who, cluster, 1, groups, deploymentConfiguration=BREAKER, healthCheckGracePeriodSeconds=0
        )

    def _revision(self, who: str, labels: Mapping[str, str], environment: dict[str, str] | None = None) -> str:
        crashes = CRASHES if who == "crashed" else environment
        written = {f"lattice.{key}": value for key, value in labels.items()}
        return self.world.register(written, who, (("web", 8080), ("admin", 9000)), crashes)

    def _update(self, who: str, **changes: Any) -> None:
        if self._is_there(who):
            self.world.ecs.update_service(cluster=self._cluster(who), service=self.arns[who], **changes)

    # What is seen

    def _note(self) -> None:
        now = effective()
        if now is None:
            return
        self.trace.note("authentication", now.auth)
        self.trace.note("idle timeout", now.idle_timeout)
        self.trace.note("networks", now.networks)
        for request in ASKED:
            self.trace.note(f"{request.method} {request.path}", _who_answers(request))

    def _note_slow(self) -> None:
        """What only costs time is looked at between the steps, and what changes without a write (an association's status)."""
        if "one" in self.trace.answers:
            self._note()
        for name in MAY_SPEAK:
            self.trace.note(f"security group of {name}", _inbound(self.world, name))

    def _note_statuses(self) -> None:
        for name in MAY_SPEAK:
            if name in self.arns:
                told = self.world.ecs_side.status(ServiceId(self.arns[name]))
                self.trace.note(f"status of {name}", sorted((each.route, each.state, each.code) for each in told))


def _inbound(world: DirectWorld, name: str) -> list[tuple[int, int]]:
    """The ports that the security group of an ECS service's tasks allows, one entry a rule."""
    filters: Any = [{"Name": "group-id", "Values": [group_of(world, name)]}]
    rules = world.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return sorted((rule["FromPort"], rule["ToPort"]) for rule in rules if not rule["IsEgress"])


def _who_answers(request: Request) -> Mapping[str, list[str]] | str:
    """By port: the ECS services that a request may be sent to, or the fixed status."""
    backend = lattice.backend()
    service = next(each.id for each in backend.services.values() if each.name == ORDERS)
    found: dict[str, list[str]] = {}
    for (owner, port), routes in backend.data_plane.table().listeners.items():
        if owner == service:
            chosen = choose(routes, request)
            groups = [backend.target_groups[group] for group, weight in chosen.groups if weight]
            names = sorted(group.tags.get("ecs-lattice:service", group.name) for group in groups)
            found[str(port)] = names or [str(chosen.fixed_status)]
    return json.dumps(found, sort_keys=True)


@contextmanager
def powerless_role() -> Iterator[None]:
    """What ECS would register with the role ``powerless`` gets into no group, and no deployment waits for it."""
    register = Registrar.register

    def registered(registrar: Registrar, task: ServiceTask) -> list[str]:
        task.unregistered = [each for each in task.unregistered if each["roleArn"] != POWERLESS]
        return register(registrar, task)

    Registrar.register = registered  # type: ignore[method-assign]
    try:
        yield
    finally:
        Registrar.register = register  # type: ignore[method-assign]
