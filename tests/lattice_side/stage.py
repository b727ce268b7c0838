"""A Lattice side on the local AWS, with an ECS side reduced to what the two say to each other.

``Stage.claim`` declares; ``Stage.settle`` lets the two sides talk and time pass until nobody waits for anything.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.errors import AwsError
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import HealthCheck, ListenerKey, Match, PathMatch, Placement, Route, ServiceId
from ecs_lattice.outcome import NotYet, Outcome
from ecs_lattice.settings import Settings
from local_aws import inprocess
from local_aws import lattice as local_lattice
from local_aws.lattice import route as route_request
from local_aws.network import Request, Response
from tests.histories.checks import written_without_reason

NAME = "shop"
HTTP, HTTPS, TLS = ListenerKey("HTTP", 80), ListenerKey("HTTPS", 443), ListenerKey("TLS_PASSTHROUGH", 443)
GRACE, SETTLE = 900.0, 90
SETTINGS = Settings(
    owner="stack",
    table="registry",
    ecs_events_queue="events",
    ecs_services_queue="services",
    lattice_services_queue="lattice",
    dead_letter_queue="dead",
    alarms_queue="alarms",
    notify_topic="topic",
    max_removals=50,
)
CHECK = HealthCheck(enabled=True, interval=5, timeout=2, healthy=2, unhealthy=2)


def service(name: str = "web", cluster: str = "prod") -> ServiceId:
    return ServiceId(f"arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}")


def path(text: str, kind: Any = "prefix") -> Match:
    return Match(PathMatch(kind, text, True))


@dataclass
class RequestQueue:
    enqueued: list[ReconcileRequest] = field(default_factory=list)

    def enqueue(self, requests: Any) -> None:
        self.enqueued += requests

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        raise AssertionError("the reconciler leaves that to the handler")


@dataclass
class Holders:
    """What ECS says of the holders of Lattice services, by ARN: it knows all but those that are ``gone``. ``error``: what it
    answers instead."""

    gone: set[str] = field(default_factory=set)
    error: AwsError | None = None
    asked: list[str] = field(default_factory=list)

    def is_gone(self, arn: str) -> bool:
        self.asked.append(arn)
        if self.error:
            raise self.error
        return arn in self.gone


class Stage:
    """What a test moves. ``attaches`` False: the ECS side does not hand its tasks over (yet)."""

    def __init__(self, machine: inprocess.Machine, settings: Settings = SETTINGS) -> None:
        self.machine = machine
        self.clock = machine.clock
        # No retries: a fault that a test puts in shall be met by the reconciler, and nothing shall sleep.
        self.lattice: Any = boto3.client("vpc-lattice", config=Config(retries={"total_max_attempts": 1}))
        self.vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self.network = self.lattice.create_service_network(name="platform")["arn"]
        dynamodb: Any = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="registry",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
        )
        self.registry = DynamoRegistry(dynamodb, "registry")
        self.requests = RequestQueue()
        self.holders = Holders()
        self.use(settings)
        self.attaches = True
        self.sick: set[str] = set()
        self.tasks: dict[str, str] = {}
        self.leftover_since: dict[str, float] = {}

    def use(self, settings: Settings) -> None:
        self.settings = settings
        lattice = BotoLattice(self.lattice)
        self.side = LatticeSide(settings, lattice, self.registry, self.requests, self.clock.time, self.holders)

    @property
    def backend(self) -> Any:
        return local_lattice.backend()

    # What the ECS side does

    def route(self, name: str = "default", match: Match | None = None, **more: Any) -> Route:
        given: dict[str, Any] = {
            "lattice_service": NAME, "port_name": "http", "listeners": (HTTP,), "networks": ("platform",), "health": CHECK
        }  # fmt: skip
        return Route(name=name, match=match, **{**given, **more})

    def claim(self, who: ServiceId, route: Route, created_at: float = 1.0, **more: Any) -> ClaimRecord:
        """Declare a route; what ECS named and served of it before stays so."""
        before = next(
            (r.claim for r in self.records() if r.claim.service == who and r.claim.route.name == route.name), None
        )
        facts = {"named": before.named, "serving": before.serving} if before else {}
        placement = Placement(self.vpc, "IPV4", 8080)
        return self.registry.put_claim(Claim(who, created_at, route, placement, **{**facts, **more}))

    def vanish(self, who: ServiceId, name: str = "default", phase: Any = "vanished") -> None:
        record = self.record(who, name)
        if record.claim.phase != phase:
            self.registry.put_claim(dataclasses.replace(record.claim, phase=phase, since=self.clock.time()))

    def records(self) -> tuple[ClaimRecord, ...]:
        return self.registry.claims_on(NAME)

    def record(self, who: ServiceId, name: str = "default") -> ClaimRecord:
        return next(r for r in self.records() if r.claim.service == who and r.claim.route.name == name)

    def state(self, who: ServiceId, name: str = "default") -> str:
        return self.record(who, name).answer.state

    def ecs(self) -> bool:
        """One round of the ECS side; whether it changed anything."""
        changed = False
        for record in self.records():
            changed |= self._facts(record)
            current = next((r for r in self.records() if r.key == record.key), None)
            if current and current.is_unacknowledged:
                self.registry.acknowledge(current)
                changed = True
        return changed

    def _facts(self, record: ClaimRecord) -> bool:
        claim, answer = record.claim, record.answer
        if answer.state == "Removed" and claim.phase != "declared" and not record.is_unapplied:
            return self.registry.delete_claim(record)
        wanted = self._wanted_groups(claim.service)
        for group, who in list(self.tasks.items()):
            if who.startswith(f"{claim.service}:") and group not in wanted:
                self._detach(group)
        group = answer.group_arn
        if self.attaches and group and answer.state in {"Wired", "Live"} and claim.phase != "deleted":
            self._attach(group, f"{claim.service}:{claim.route.port_name}")
        named = group in self.tasks
        after = dataclasses.replace(claim, named=named, serving=named)
        if after != claim:
            self.registry.put_claim(after)
        return after != claim

    def _wanted_groups(self, who: ServiceId) -> set[str]:
        """What stays attached: all but what went; a group that was replaced stays until every route is Live."""
        mine = [r for r in self.records() if r.claim.service == who]
        named = {r.answer.group_arn for r in mine if r.answer.state not in {"Parked", "Removed"} and r.answer.group_arn}
        explained = {r.answer.group_arn for r in self.records()}
        leftover = {
            group for group, task in self.tasks.items() if task.startswith(f"{who}:") and group not in explained
        }
        if any(r.answer.state in {"Wired", "Pending"} or r.is_unapplied for r in mine):
            for group in leftover:
                self.leftover_since.pop(group, None)
            return named | leftover
        now = self.clock.time()
        return named | {g for g in leftover if now - self.leftover_since.setdefault(g, now) < GRACE}

    def _attach(self, group: str, who: str) -> None:
        if group not in self.tasks:
            self.tasks[group] = who
            ip = self.address(group, who)
            self.lattice.register_targets(targetGroupIdentifier=group, targets=[{"id": ip, "port": 8080}])

    def _detach(self, group: str) -> None:
        who = self.tasks.pop(group)
        try:
            self.lattice.deregister_targets(
                targetGroupIdentifier=group, targets=[{"id": self.address(group, who), "port": 8080}]
            )
        except self.lattice.exceptions.ResourceNotFoundException:
            return

    def address(self, group: str, who: str) -> str:
        number = sum(group.encode()) * 31 % 60000
        ip = f"172.31.{number // 250 % 80}.{number % 250 + 1}"

        def answer(request: Request) -> Response:
            return Response(500 if who in self.sick else 200, {}, who.encode())

        self.machine.network.listen(ip, 8080, answer)
        return ip

    # Both sides and time

    def reconcile(self) -> Outcome:
        return self.side.reconcile(NAME)

    def settle(self, limit: float = 6 * 3600, each: Callable[[], None] | None = None) -> Outcome:
        """Let both sides work until a reconcile is Done or Refused and the ECS side has nothing to do."""
        end = self.clock.time() + limit
        while True:
            outcome = self.reconcile()
            changed = self.ecs()
            if each:
                each()
            if changed:
                continue
            if not isinstance(outcome, NotYet):
                return outcome
            if self.clock.time() >= end:
                return outcome
            self.clock.advance(max(outcome.after, 1))

    def work(self, seconds: float) -> None:
        """Let both sides work for so long."""
        end = self.clock.time() + seconds
        while True:
            outcome = self.reconcile()
            if self.ecs():
                continue
            left = end - self.clock.time()
            if left <= 0:
                return
            self.clock.advance(min(max(outcome.after, 1), left) if isinstance(outcome, NotYet) else left)

    @contextmanager
    def writes(self) -> Iterator[list[str]]:
        """The write calls made inside the block."""
        before = len(self.backend.calls)
        made: list[str] = []
        yield made
        made += [call.operation for call in self.backend.calls[before:] if call.writes]

    def calls(self, do: Callable[[], object]) -> list[str]:
        before = len(self.backend.calls)
        do()
        return [call.operation for call in self.backend.calls[before:]]

    # What is there

    def ask(self, target: str = "/", port: int = 80, **headers: str) -> str:
        """Who answers, or the status."""
        service_id = next(s["id"] for s in self.lattice.list_services()["items"] if s["name"] == NAME)
        try:
            answer = route_request(service_id, port, Request("GET", target, headers))
        except ConnectionRefusedError:
            return "refused"
        return answer.body.decode() if answer.status == 200 else str(answer.status)

    def service_id(self) -> str:
        return next(s["id"] for s in self.lattice.list_services()["items"] if s["name"] == NAME)

    def rules(self, port: int = 80) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for listener in self.lattice.list_listeners(serviceIdentifier=self.service_id())["items"]:
            if listener["port"] != port:
                continue
            ids = {"serviceIdentifier": self.service_id(), "listenerIdentifier": listener["id"]}
            summaries = [rule for rule in self.lattice.list_rules(**ids)["items"] if not rule.get("isDefault")]
            found += [self.lattice.get_rule(**ids, ruleIdentifier=rule["id"]) for rule in summaries]
        return sorted(found, key=lambda rule: rule["priority"])

    def listener(self, port: int = 80) -> dict[str, str]:
        items = self.lattice.list_listeners(serviceIdentifier=self.service_id())["items"]
        found = next(one for one in items if one["port"] == port)
        return {"serviceIdentifier": self.service_id(), "listenerIdentifier": found["id"]}

    def groups(self) -> list[str]:
        return [group["name"] for group in self.lattice.list_target_groups()["items"]]


@contextmanager
def stage(settings: Settings = SETTINGS) -> Iterator[Stage]:
    with inprocess.started() as machine:
        stage = Stage(machine, settings)
        without_reason = written_without_reason(stage.registry)
        yield stage
        assert without_reason == []
