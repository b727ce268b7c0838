"""How long one run of the probe takes for many target groups, on the local AWS in this process.

python -m bench.probe [groups]

VPC Lattice answers each ListTargets after 50 ms; throttled, it takes so many calls a second and refuses the others with
``Retry-After: 1``. Real threads, real time, the clients as the function has them. The probe has 50 seconds a run.
"""

import contextlib
import io
import itertools
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3

from ecs_lattice.aws.clients import Clients
from ecs_lattice.aws.cloudwatch import BotoAlarms
from ecs_lattice.aws.metrics import EmfMetrics
from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.claims import Answer, Claim
from ecs_lattice.facts import Deployment, EcsService
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.health.probe import Probe
from ecs_lattice.model import Placement, Route, ServiceId
from local_aws import inprocess, lattice

LATENCY_SECONDS = 0.05
SECONDS_A_RUN = 50.0
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/s{:03}"


@dataclass
class Ecs:
    """ECS whose services all want two tasks, after 50 ms."""

    calls: list[int] = field(default_factory=list)

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        self.calls.append(len(services))
        time.sleep(LATENCY_SECONDS)
        primary = Deployment("ecs-svc/1", "PRIMARY", "COMPLETED", "orders:1", 0.0)
        return tuple(EcsService(one, "ACTIVE", 0.0, 2, 2, "ECS", "ROLLING", (primary,)) for one in services)


class Throttle:
    """Lets ``rate`` calls a second through (None: all), burst one second's, and refuses the others."""

    def __init__(self, rate: float | None) -> None:
        self.rate, self.tokens, self.at = rate, rate or 0.0, time.monotonic()
        self.calls = self.refused = 0
        self.lock = threading.Lock()

    def __call__(self, **_: Any) -> None:
        with self.lock:
            self.calls += 1
            if self.rate is not None:
                now = time.monotonic()
                self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
                self.at = now
                if self.tokens < 1:
                    self.refused += 1
                    lattice.backend().faults.throttle("ListTargets", retry_after=1)
                else:
                    self.tokens -= 1
        time.sleep(LATENCY_SECONDS)


def main(count: int = 500) -> None:
    """Print one line a run."""
    with inprocess.started() as machine:
        registry = a_registry(count, machine.clock)
        print(
            f"{count} target groups, {LATENCY_SECONDS * 1000:.0f} ms a call, 6 threads, {SECONDS_A_RUN:.0f} s a run\n"
        )
        print(f"{'':<42}{'calls':>7}{'refused':>9}{'DescribeServices':>18}{'unknown':>9}{'seconds':>9}{'alarms':>8}")
        for name, rate, status, runs in (
            ("all healthy, first run (60 alarms a run)", None, "HEALTHY", 1),
            ("all healthy", None, "HEALTHY", 1),
            ("none answers", None, "UNHEALTHY", 1),
            ("Lattice takes 40 calls a second", 40.0, "HEALTHY", 1),
            ("Lattice takes 10 calls a second", 10.0, "HEALTHY", 3),
        ):
            for run in range(runs):
                report(name if runs == 1 else f"{name}, run {run + 1}", registry, rate, status)


def report(name: str, registry: DynamoRegistry, rate: float | None, status: str) -> None:
    """One run, one line."""
    throttle, ecs = Throttle(rate), Ecs()
    clients = Clients()
    client = clients.lattice
    client.meta.events.register("request-created.vpc-lattice.ListTargets", throttle)
    try:
        began = time.monotonic()
        with answering(status), contextlib.redirect_stdout(io.StringIO()):
            done = probe(registry, ecs, clients).run(SECONDS_A_RUN)
        seconds = time.monotonic() - began
    finally:
        client.meta.events.unregister("request-created.vpc-lattice.ListTargets", throttle)
    print(
        f"{name:<42}{throttle.calls:>7}{throttle.refused:>9}{len(ecs.calls):>18}{done.unknown:>9}{seconds:>9.1f}"
        f"{done.alarms.put:>8}"
    )


class _NoRequests:
    """Takes the requests of the probe and sends none."""

    def enqueue(self, requests: object) -> None: ...

    def enqueue_later(self, request: object, seconds: int) -> None: ...


def probe(registry: DynamoRegistry, ecs: Ecs, clients: Clients) -> Probe:
    """The probe as the function has it, but for ECS."""
    alarm_sync = AlarmSync("bench", "lattice", BotoAlarms(clients.cloudwatch, "bench"), time.time, time.sleep)
    return Probe(
        "bench",
        registry,
        BotoTargets(clients.lattice),
        ecs,
        _NoRequests(),
        EmfMetrics(),
        alarm_sync,
        time.time,
        time.sleep,
    )


@contextlib.contextmanager
def answering(status: str) -> Iterator[None]:
    """Let every target have ``status``."""
    targets = [target for group in lattice.backend().target_groups.values() for target in group.targets.values()]
    for target in targets:
        target.idle = None
        target.health = status
    yield


def a_registry(count: int, clock: Any) -> DynamoRegistry:
    """``count`` live routes with a target group and one target each."""
    dynamodb, client = boto3.client("dynamodb"), boto3.client("vpc-lattice")
    dynamodb.create_table(
        TableName="registry",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    registry = DynamoRegistry(dynamodb, "registry")
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]
    address = subnet["CidrBlock"].rsplit(".", 1)[0] + ".10"
    arns = []
    for number in range(count):
        group = client.create_target_group(
            name=f"group-{number:03}",
            type="IP",
            config={"port": 8080, "protocol": "HTTP", "vpcIdentifier": subnet["VpcId"]},
        )
        arns.append(group["arn"])
    clock.advance(60)
    for number, arn in enumerate(arns):
        client.register_targets(targetGroupIdentifier=arn, targets=[{"id": address, "port": 8080}])
        claim = Claim(
            ServiceId(SERVICE.format(number)),
            0.0,
            Route("default", "orders", "web"),
            Placement(subnet["VpcId"], "IPV4", 8080),
        )
        registry.put_answer(registry.put_claim(claim), Answer("Live", group_arn=arn))
    return registry


if __name__ == "__main__":
    main(*itertools.islice(map(int, sys.argv[1:]), 1))
