"""The whole application in one process, on the local AWS, with time moved by hand.

Events of the simulated services go through the template's own patterns into the event router, requests into the reconcilers;
delayed requests wait on the clock. What is delivered can be lost, repeated and reordered.
"""

import dataclasses
import functools
import itertools
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto.events.models import EventPattern
from samtranslator.yaml_helper import yaml_parse

from ecs_lattice.aws.clients import Clients
from ecs_lattice.bootstrap import ecs_events, ecs_service, lattice_service, resync, target_health
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.errors import EcsLatticeError
from ecs_lattice.health.metric_names import NAMESPACE
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Outcome
from ecs_lattice.settings import Settings
from local_aws import inprocess, lattice, monitoring
from local_aws.network import Request, Response
from local_aws.services import events
from tests.events.test_events import with_owner
from tests.histories.checks import states_without_reason, written_without_reason

if TYPE_CHECKING:
    from local_aws.clock import ManualClock

ROOT = Path(__file__).parent.parent
SETTINGS = Settings(
    owner="ecs-lattice",
    table="registry",
    ecs_events_queue="events",
    ecs_services_queue="ecs.fifo",
    lattice_services_queue="lattice.fifo",
    dead_letter_queue="dead",
    alarms_queue="alarms",
    notify_topic="topic",
    infrastructure_role="arn:aws:iam::123456789012:role/ecs-infrastructure",
    default_networks=("platform",),
    ecs_reads_per_second=1000.0,
)
CLUSTER = "shop"


@functools.cache
def template_patterns(queue: str = "EcsEventsQueue") -> tuple[EventPattern, ...]:
    """The event patterns of the template's rules that have ``queue`` as target, as EventBridge would match them."""
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    patterns = [
        resource["Properties"].get("EventPattern")
        for resource in resources.values()
        if resource["Type"] == "AWS::Events::Rule" and f'"{queue}"' in json.dumps(resource["Properties"]["Targets"])
    ]
    return tuple(EventPattern.load(json.dumps(with_owner(pattern))) for pattern in patterns if pattern)


@dataclass
class Chaos:
    """What happens to messages on their way: probabilities of loss and repetition, and whether order is kept."""

    dice: random.Random = field(default_factory=lambda: random.Random(0))
    lose: float = 0.0
    repeat: float = 0.0
    shuffle: bool = False

    def deliver(self, messages: list[Any]) -> list[Any]:
        out = [
            m
            for m in messages
            for _ in range(1 + (self.dice.random() < self.repeat))
            if self.dice.random() >= self.lose
        ]
        if self.shuffle:
            self.dice.shuffle(out)
        return out


class SimulatedWiring(Wiring):
    """The application's collaborators in a world, which replaces what leads out of the application."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.settings, world.clients, world.clock.time, lambda _seconds: None)
        self.world = self.requests = self.metrics = world

    def queue(self, url: str) -> "World":
        return self.world

    def dead_letters(self, function: str) -> "World":
        return self.world


class World:
    """The application on one machine. ``run`` moves time; everything that becomes due on the way is worked."""

    def __init__(self, machine: inprocess.Machine, settings: Settings = SETTINGS) -> None:
        self.machine = machine
        self.clock: ManualClock = machine.clock
        self.settings = settings
        self.chaos = Chaos()
        self.outcomes: list[tuple[str, str, str]] = []
        self.dead: list[tuple[str, str]] = []
        self.without_reason: list[list[str]] = []
        self.wrong: list[str] = []
        self.published: list[tuple[float, Mapping[str, str], Mapping[str, float]]] = []
        self.probe_failures: list[Exception] = []
        self._questions: list[Callable[[], None]] = []
        self._events: list[str] = []
        self._requests: list[ReconcileRequest] = []
        self.clients = Clients(boto3.DEFAULT_SESSION, Config())
        self.clients.events = SimpleNamespace(put_events=lambda **entries: self.put_events(**entries))  # noqa: PLW0108  tests replace it
        self.ecs, self.ec2 = self.clients.ecs, self.clients.ec2
        self.lattice, self.dynamodb = self.clients.lattice, self.clients.dynamodb
        self._make_table()
        self.build()
        events().subscribe(self._on_event)

    def build(self, settings: Settings | None = None) -> None:
        """Put the application together (again), as a stack update with other parameters would."""
        self.settings = settings or self.settings
        self.wiring = wiring = SimulatedWiring(self)
        self.registry = wiring.registry
        self.without_reason = [*self.without_reason, written_without_reason(self.registry)]
        self.ingress = ingress(wiring)
        self.ecs_side = ecs_service.ecs_side(wiring)
        self.event_router = ecs_events.event_router(wiring)
        self.resync = resync.resync(wiring)
        self.uninstall = resync.uninstall(wiring)
        self.probe = dataclasses.replace(target_health.probe(wiring), threads=1)
        self.workers = {
            "ecsService": self._noting("ecs", ecs_service.ecs_consumer(wiring)),
            "latticeService": self._noting("lattice", lattice_service.lattice_consumer(wiring)),
        }

    def _noting(self, side: str, consumer: ReconcileConsumer) -> ReconcileConsumer:
        def reconcile(key: str, claims_of: str = "") -> Outcome:
            outcome = consumer.reconcile(key, claims_of)
            self.outcomes.append((side, key, type(outcome).__name__))
            return outcome

        return dataclasses.replace(consumer, reconcile=reconcile)

    def every_state_has_a_reason(self) -> None:
        """Whatever was written about a route, at any moment so far, has code and message, unless it was Live."""
        assert states_without_reason(self) == []
        assert list(itertools.chain(*self.without_reason)) == []

    # What leads out of the application: queues, dead letters, the event bus, metrics.

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        self._requests += {(request.kind, request.key): request for request in requests}.values()

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        assert 0 <= seconds <= 900
        self.clock.call_later(seconds, lambda: self._events.append(json.dumps(asdict(request))))

    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        message = json.loads(receipt_handle)
        self.clock.call_later(seconds, lambda: self._requests.append(ReconcileRequest(**message)))

    def put(self, body: str, reason: str, now: float) -> None:
        self.dead.append((body, reason))

    def put_events(self, **request: Any) -> dict[str, Any]:
        """EventBridge's PutEvents: the default bus is the one that the simulated services publish on."""
        for entry in request["Entries"]:
            events().publish(entry["Source"], entry["DetailType"], entry["Resources"], json.loads(entry["Detail"]))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n, _ in enumerate(request["Entries"])]}

    def publish(
        self,
        dimensions: Mapping[str, str],
        values: Mapping[str, float],
        members: Mapping[str, float] | None = None,
        at: float | None = None,
    ) -> None:
        """A line with metrics, as the embedded metric format brings them to CloudWatch, and with what stands beside them."""
        at = self.clock.time() if at is None else at
        self.published.append((at, dict(dimensions), {**values, **(members or {})}))
        for name, value in values.items():
            monitoring.record(NAMESPACE, name, dimensions, value, at, "Count")

    # Requests on the way.

    def ask(self, name: str, path: str = "/", port: int = 80, method: str = "GET", **headers: str) -> Response:
        """A request to a Lattice service by its name, over the simulated data plane."""
        service = next(item for item in self._all("list_services") if item["name"] == name)
        return lattice.route(service["id"], port, Request(method, path, headers))

    def watch(self, question: Callable[[], str | None]) -> None:
        """Ask at every step from now on, and after every change of Lattice; what it says is kept in ``wrong``."""

        def asked(*_: object) -> None:
            answer = question()
            if answer and answer not in self.wrong:
                self.wrong.append(answer)

        self._questions.append(asked)
        lattice.backend().after_write.append(asked)

    # Time.

    def run(self, seconds: float = 0.0) -> None:
        """Move on by ``seconds``, timer by timer, working whatever is delivered at each moment."""
        end = self.clock.time() + seconds
        self._drain()
        while (due := self.clock.next_due()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.time()))
            self._drain()
            for question in self._questions:
                question()
        self.clock.advance(end - self.clock.time())
        self._drain()

    def start_probing(self) -> Callable[[], None]:
        """Run the probe in the middle of each minute from now on; what comes back stops it."""
        going = [True]

        def probed() -> None:
            if going[0]:
                self.clock.call_later(60, probed)
                try:
                    self.probe.run(50).raise_for_alarms()
                except EcsLatticeError as error:  # the function's error; the next minute's run begins anew
                    self.probe_failures.append(error)

        self.clock.call_later(30 - self.clock.time() % 60 + 60, probed)
        return lambda: going.__setitem__(0, False)

    def sweep(self) -> None:
        """One run of the resync, and the requests that it enqueues."""
        self.resync.sweep(600)
        self._drain()

    def _drain(self) -> None:
        for _ in range(10_000):
            if self._events:
                events, self._events = self.chaos.deliver(self._events), []
                if events:
                    self.event_router.work(
                        {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(events)]}
                    )
            elif self._requests:
                requests, self._requests = self.chaos.deliver(self._requests), []
                for request in requests:
                    self._work(request)
            else:
                return
        raise AssertionError("requests lead to requests without end")

    def _work(self, request: ReconcileRequest) -> None:
        body = json.dumps(asdict(request))
        record = {"messageId": "m", "receiptHandle": body, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
        self.workers[request.kind].work({"Records": [record]}, 60)

    def _on_event(self, event: dict[str, Any]) -> None:
        if any(pattern.matches_event(event) for pattern in template_patterns()):
            self._events.append(json.dumps(event))

    def _make_table(self) -> None:
        self.dynamodb.create_table(
            TableName=self.settings.table,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )

    # What a user of AWS does.

    def make_network(self, name: str = "platform") -> str:
        return self.lattice.create_service_network(name=name)["arn"]

    def associate_vpc(self, network: str, vpc: str = "") -> None:
        """Associate a VPC with a service network; without one the default VPC, where the clients are."""
        vpc = vpc or self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=vpc)

    def make_cluster(self, name: str = CLUSTER) -> str:
        return self.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"]

    def register(
        self,
        labels: dict[str, str],
        family: str = "orders",
        ports: Iterable[tuple[str, int]] = (("web", 8080),),
        environment: dict[str, str] | None = None,
    ) -> str:
        """A task-definition revision with one container; its ARN."""
        answer = self.ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": "example/app:1",
                    "memory": 256,
                    "portMappings": [{"name": name, "containerPort": port, "protocol": "tcp"} for name, port in ports],
                    "dockerLabels": labels,
                    "environment": [{"name": name, "value": value} for name, value in (environment or {}).items()],
                }
            ],
        )
        return answer["taskDefinition"]["taskDefinitionArn"]

    @functools.cached_property
    def subnets(self) -> list[str]:
        answer = self.ec2.describe_subnets()["Subnets"]
        return sorted(subnet["SubnetId"] for subnet in answer)[:2]

    @functools.cached_property
    def open_group(self) -> str:
        """A security group of the default VPC that lets VPC Lattice in to every port."""
        return open_group(self.ec2)

    def network_in(self, *groups: str) -> dict[str, Any]:
        """The network configuration of tasks in these security groups; without any, in the VPC's default group."""
        named = {"securityGroups": list(groups)} if groups else {}
        return {"awsvpcConfiguration": {"subnets": self.subnets, **named}}

    def inbound(self, group: str) -> set[tuple[str, str, int, int]]:
        """The inbound rules of a group that name a prefix list of VPC Lattice: whose (ours, theirs), family, ports."""
        lists = {
            found["PrefixListId"]: found["AddressFamily"]
            for found in self.ec2.describe_managed_prefix_lists()["PrefixLists"]
        }
        pages = self.ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": [group]}]
        )
        owner = {"Key": "ecs-lattice:owner", "Value": self.settings.owner}
        return {
            ("ours" if owner in one["Tags"] else "theirs", lists[one["PrefixListId"]], one["FromPort"], one["ToPort"])
            for page in pages
            for one in page["SecurityGroupRules"]
            if not one["IsEgress"] and "PrefixListId" in one
        }

    def deploy(
        self,
        task_definition: str,
        name: str = "orders",
        cluster: str = CLUSTER,
        count: int = 2,
        groups: Iterable[str] | None = None,
        **more: Any,
    ) -> str:
        """CreateService; the service's ARN. ``groups``: None for one that is open to VPC Lattice."""
        answer = self.ecs.create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=task_definition,
            desiredCount=count,
            launchType="FARGATE",
            **{"networkConfiguration": self.network_in(*([self.open_group] if groups is None else groups)), **more},
        )
        return answer["service"]["serviceArn"]

    def service(self, arn: str) -> dict[str, Any]:
        return self.ecs.describe_services(cluster=arn.split("/")[-2], services=[arn])["services"][0]

    def primary(self, arn: str) -> dict[str, Any]:
        return next(d for d in self.service(arn)["deployments"] if d["status"] == "PRIMARY")

    # What there is, and what was written.

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The write calls that the application makes inside the block: Lattice, ECS and the registry's own."""
        before, written = len(lattice.backend().calls), []
        yield written
        written += [
            call.operation for call in lattice.backend().calls[before:] if call.writes and call.caller != lattice.ECS
        ]

    def claims(self, arn: str) -> dict[str, str]:
        """Route name to the state of its answer, for every claim of an ECS service."""
        return {
            f"{r.lattice_service}/{r.claim.route.name}": r.answer.state for r in self.registry.claims_of(ServiceId(arn))
        }

    def statuses(self, arn: str) -> dict[str, tuple[str, str]]:
        """Route name to (state, code) of an ECS service, as the ECS side tells people."""
        return {s.route: (s.state, s.code) for s in self.ecs_side.status(ServiceId(arn))}

    def graph(self) -> dict[str, Any]:
        """The whole Lattice graph as plain data, without ids: what an oracle compares."""
        listed = self._all("list_target_groups")
        groups = {key: group for group in listed for key in (group["arn"], group["id"])}
        return {
            service["name"]: {
                "listeners": {
                    f"{listener['protocol']}:{listener['port']}": self._listener(service["id"], listener["id"], groups)
                    for listener in self._all("list_listeners", serviceIdentifier=service["id"])
                },
                "networks": sorted(
                    a["serviceNetworkName"]
                    for a in self._all("list_service_network_service_associations", serviceIdentifier=service["id"])
                    if a["status"] == "ACTIVE"
                ),
            }
            for service in self._all("list_services")
        }

    def _listener(self, service: str, listener: str, groups: dict[str, Any]) -> dict[str, Any]:
        read = self.lattice.get_listener(serviceIdentifier=service, listenerIdentifier=listener)
        rules = [
            self.lattice.get_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule["id"])
            for rule in self._all("list_rules", serviceIdentifier=service, listenerIdentifier=listener)
            if not rule["isDefault"]
        ]
        return {
            "default": self._action(read["defaultAction"], groups),
            "rules": [
                (rule["match"]["httpMatch"], self._action(rule["action"], groups))
                for rule in sorted(rules, key=lambda r: r["priority"])
            ],
        }

    def _action(self, action: dict[str, Any], groups: dict[str, Any]) -> Any:
        if "fixedResponse" in action:
            return action["fixedResponse"]["statusCode"]
        return {
            groups[forward["targetGroupIdentifier"]]["name"]
            if forward["targetGroupIdentifier"] in groups
            else forward["targetGroupIdentifier"]: forward.get("weight", 100)
            for forward in action["forward"]["targetGroups"]
        }

    def _all(self, operation: str, **parameters: Any) -> list[dict[str, Any]]:
        return [item for page in self.lattice.get_paginator(operation).paginate(**parameters) for item in page["items"]]


def open_group(ec2: Any, name: str = "open", ports: tuple[int, int] = (0, 65535), **more: Any) -> str:
    """A new security group that lets VPC Lattice in, over IPv4 and IPv6, to these TCP ports; its id."""
    group: str = ec2.create_security_group(GroupName=name, Description=name, **more)["GroupId"]
    names = [f"com.amazonaws.us-east-1.{family}vpc-lattice" for family in ("", "ipv6.")]
    lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": names}])["PrefixLists"]
    sources = [{"PrefixListId": each["PrefixListId"]} for each in lists]
    rule = {"IpProtocol": "tcp", "FromPort": ports[0], "ToPort": ports[1], "PrefixListIds": sources}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return group


def close_group(ec2: Any, group: str) -> None:
    """Revoke all inbound rules of a security group, as somebody who owns it may."""
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=found["IpPermissions"])


@contextmanager
def started(**settings: Any) -> Iterator[World]:
    """A new world with a cluster ``shop``, a service network ``platform`` and the application."""
    with inprocess.started() as machine:
        world = World(machine, dataclasses.replace(SETTINGS, **settings))
        world.make_cluster()
        world.associate_vpc(world.make_network())
        yield world
        world.every_state_has_a_reason()
