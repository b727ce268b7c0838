"""The ECS side alone on the local AWS: the tests give the Lattice side's answers, with target groups that exist."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from ecs_lattice import codec, ownership
from ecs_lattice.aws.ecs import BotoEcs
from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.claims import Answer, ClaimRecord
from ecs_lattice.ecs_side import places
from ecs_lattice.ecs_side import record as documents
from ecs_lattice.ecs_side.places import AttachPlaces
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.ecs_side.turns import Turns
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Outcome
from ecs_lattice.settings import Settings
from local_aws import ecs, inprocess, lattice
from tests.world import open_group

ROLE = "arn:aws:iam::123456789012:role/ecs-infrastructure"
OTHER_ROLE = "arn:aws:iam::123456789012:role/somebody"
SETTINGS = Settings(
    owner="ecs-lattice",
    table="registry",
    ecs_events_queue="",
    ecs_services_queue="",
    lattice_services_queue="",
    dead_letter_queue="",
    alarms_queue="",
    notify_topic="",
    infrastructure_role=ROLE,
    default_networks=("platform",),
)
LABELS = {"lattice.service": "orders", "lattice.port": "web", "lattice.listener": "HTTP:80"}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a", "subnet-0b"], "securityGroups": ["sg-1"]}}
SERVICE = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
_ONCE = Config(retries={"total_max_attempts": 1})


@dataclass
class RequestQueue:
    """Keeps the requests."""

    enqueued: list[ReconcileRequest] = field(default_factory=list)
    later: list[tuple[ReconcileRequest, int]] = field(default_factory=list)

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        self.enqueued += requests

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        self.later.append((request, seconds))


@dataclass
class Announced:
    """Keeps the events."""

    changes: list[StateChange] = field(default_factory=list)

    def announce(self, changes: Sequence[StateChange]) -> None:
        self.changes += changes


class Bench:
    """One cluster ``shop``, one ECS service ``orders``, and the reconciler of ECS services."""

    def __init__(self, machine: inprocess.Machine) -> None:
        self.machine = machine
        self.ecs: Any = boto3.client("ecs", config=_ONCE)
        self.lattice: Any = boto3.client("vpc-lattice", config=_ONCE)
        self.dynamodb: Any = boto3.client("dynamodb", config=_ONCE)
        self.ec2: Any = boto3.client("ec2", config=_ONCE)
        self.ecs.create_cluster(clusterName="shop")
        self.subnets = sorted(one["SubnetId"] for one in self.ec2.describe_subnets()["Subnets"])[:2]
        self.open_group = open_group(self.ec2)
        self.vpc = self.ec2.describe_subnets(SubnetIds=self.subnets)["Subnets"][0]["VpcId"]
        self.dynamodb.create_table(
            TableName="registry",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.registry = DynamoRegistry(self.dynamodb, "registry")
        self.requests = RequestQueue()
        self.announced = Announced()
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Build the reconciler with these settings."""
        self.settings = dataclasses.replace(SETTINGS, **settings)
        self.side = EcsSide(
            self.settings,
            BotoEcs(self.ecs, self.ec2),
            BotoTargets(self.lattice),
            self.registry,
            self.requests,
            self.machine.clock.time,
            Ingress(
                BotoSecurityGroups(self.ec2, self.settings.owner),
                self.registry,
                self.settings.owner,
                self.settings.label_prefix,
            ),
            self.announced,
        )

    # What a user of ECS does.

    def define(
        self,
        labels: Mapping[str, str] = LABELS,
        ports: Mapping[str, int] | None = None,
        network_mode: str = "awsvpc",
        **environment: object,
    ) -> str:
        mappings = [{"name": name, "containerPort": port} for name, port in (ports or {"web": 8080}).items()]
        app = {
            "name": "app",
            "image": "shop:1",
            "memory": 128,
            "portMappings": mappings,
            "environment": [{"name": name, "value": str(value)} for name, value in environment.items()],
            "dockerLabels": dict(labels),
        }
        fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        answer = self.ecs.register_task_definition(
            family="orders",
            networkMode=network_mode,
            containerDefinitions=[app],
            **(fargate if network_mode == "awsvpc" else {}),
        )
        return answer["taskDefinition"]["taskDefinitionArn"]

    def create(self, task_definition: str | None = None, desired: int = 2, **more: Any) -> None:
        network = {"subnets": self.subnets, "securityGroups": [self.open_group]}
        request = {
            "cluster": "shop",
            "serviceName": "orders",
            "taskDefinition": task_definition or self.define(),
            "desiredCount": desired,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": network},
        }
        self.ecs.create_service(**{**request, **more})

    def deploy(self, task_definition: str | None = None, **more: Any) -> None:
        if task_definition:
            more["taskDefinition"] = task_definition
        self.ecs.update_service(cluster="shop", service="orders", **more)

    def service(self) -> dict[str, Any]:
        return self.ecs.describe_services(cluster="shop", services=["orders"], include=["TAGS"])["services"][0]

    def primary(self) -> dict[str, Any]:
        return next(one for one in self.service()["deployments"] if one["status"] == "PRIMARY")

    def attached(self) -> list[str]:
        return [one["targetGroupArn"] for one in self.primary().get("vpcLatticeConfigurations", [])]

    def history(self) -> list[str]:
        """Status of every service deployment, oldest first."""
        found = self.ecs.list_service_deployments(cluster="shop", service="orders")["serviceDeployments"]
        return [one["status"] for one in sorted(found, key=lambda one: one["createdAt"])]

    def addresses(self) -> set[str]:
        """Addresses of the tasks that run and should."""
        arns = self.ecs.list_tasks(cluster="shop", serviceName="orders", desiredStatus="RUNNING")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"] if arns else []
        return {
            one["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
            for one in tasks
            if one["lastStatus"] == "RUNNING"
        }

    # Time.

    def advance(self, seconds: float) -> None:
        self.machine.clock.advance(seconds)

    def until(self, true: Callable[[], Any], limit: int = 3600, step: int = 1) -> None:
        for _ in range(0, limit, step):
            if true():
                return
            self.advance(step)
        raise AssertionError(f"not true within {limit} s: {ecs.backend().service('shop', 'orders').events[:5]}")

    def completed(self) -> None:
        def is_completed() -> bool:
            (*older, newest) = reversed(self.service()["deployments"])
            return not older and newest.get("rolloutState") == "COMPLETED"

        self.until(is_completed, step=10)

    # The two reconcilers.

    def go(self) -> Outcome:
        return self.side.reconcile(SERVICE)

    def records(self) -> dict[str, ClaimRecord]:
        return {one.claim.route.name: one for one in self.registry.claims_of(SERVICE)}

    def record(self) -> documents.EcsRecord:
        found = documents.read(self.registry, SERVICE)
        assert found is not None
        return found

    def answer(self, state: Any, group: str | None = None, route: str = "default", **more: Any) -> None:
        """The Lattice side's answer to the claim as it stands."""
        self.registry.put_answer(self.records()[route], Answer(state, group_arn=group, **more))

    def taken_in(self) -> None:
        """The Lattice side takes every claim in and answers what it answered before."""
        for one in self.registry.claims_of(SERVICE):
            self.registry.put_answer(one, one.answer)

    def states(self) -> dict[str, tuple[str, str]]:
        return {one.route: (one.state, one.code) for one in self.side.status(SERVICE)}

    def problems(self) -> list[str]:
        return [problem.code for problem in self.side.status(SERVICE).problems]

    def group(self, name: str = "orders-web", *, tags: Mapping[str, str] | None = None, path: str = "/") -> str:
        """A target group that is checked, because a listener forwards to it; by default one of our own."""
        ours = {ownership.OWNER: "ecs-lattice", ownership.CLUSTER: "shop", ownership.SERVICE: "orders"}
        made = self.lattice.create_target_group(
            name=name,
            type="IP",
            config={
                "port": 8080,
                "protocol": "HTTP",
                "vpcIdentifier": self.vpc,
                "healthCheck": {"enabled": True, "path": path, "healthCheckIntervalSeconds": 10},
            },
            tags=dict(ours if tags is None else tags),
        )
        self.advance(30)
        service = self.lattice.create_service(name=f"for-{name}")
        self.advance(30)
        forward = {"forward": {"targetGroups": [{"targetGroupIdentifier": made["id"]}]}}
        self.lattice.create_listener(
            serviceIdentifier=service["id"], name="http", protocol="HTTP", port=80, defaultAction=forward
        )
        return made["arn"]

    def targets(self, group: str) -> dict[str, str]:
        """Status by address."""
        items = self.lattice.list_targets(targetGroupIdentifier=group)["items"]
        return {one["id"]: one["status"] for one in items}

    def serving_targets(self, group: str) -> set[str]:
        return {address for address, status in self.targets(group).items() if status != "DRAINING"}

    # Whole stretches of a history.

    def wired(self, **more: Any) -> str:
        """A service whose first deployment has completed and whose only route is wired; its target group."""
        self.create(**more)
        self.completed()
        self.go()
        group = self.group()
        self.answer("Wired", group)
        return group

    def live(self, **more: Any) -> str:
        """The same, attached and live."""
        group = self.wired(**more)
        self.go()
        self.completed()
        self.go()
        self.answer("Live", group)
        self.go()
        return group

    def places(self) -> AttachPlaces:
        return AttachPlaces(self.registry, self.requests, self.settings.max_attaching, self.machine.clock.time)

    def placed(self) -> set[str]:
        """The ECS services with a place for an attach deployment."""
        text = self.registry.document(places.KIND, places.KEY)
        return {turn.service for turn in codec.loads(Turns, text).placed} if text else set()

    # What was written.

    @contextmanager
    def writes(self) -> Iterator[list[str]]:
        """The write calls to ECS and Lattice inside the block that are the application's."""
        on_ecs, on_lattice, written = len(ecs.backend().calls), len(lattice.backend().calls), []
        yield written
        written += [one.operation for one in ecs.backend().calls[on_ecs:] if one.writes]
        written += [
            one.operation for one in lattice.backend().calls[on_lattice:] if one.writes and one.caller != lattice.ECS
        ]

    def stored(self) -> list[dict[str, Any]]:
        items = self.dynamodb.scan(TableName="registry")["Items"]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@contextmanager
def bench() -> Iterator[Bench]:
    with inprocess.started() as machine:
        yield Bench(machine)
