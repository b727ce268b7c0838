"""The local ECS behind moto's threaded server: real sockets, real clients, many at once; tasks on the loopback network."""

import http.client
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from moto.server import ThreadedMotoServer

from local_aws import ecs, lattice
from local_aws.clock import ManualClock
from local_aws.network import LoopbackNetwork, Request
from local_aws.services import Services, register
from tests.local_aws.ecs_stage import SUBNETS, ip_of

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@dataclass(frozen=True, slots=True)
class Machine:
    ecs: Any
    clock: ManualClock
    network: LoopbackNetwork


@pytest.fixture
def machine() -> Iterator[Machine]:
    hands, wires = ManualClock(), LoopbackNetwork()
    before = register(Services(hands, wires))
    lattice.install()
    ecs.install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server._server.server_port}"
    client = boto3.client("ecs", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}), **KEYS)
    client.create_cluster(clusterName="default")
    try:
        yield Machine(client, hands, wires)
    finally:
        connection = http.client.HTTPConnection("127.0.0.1", server._server.server_port)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()
        client.close()
        server.stop()
        wires.close_all()
        register(before)


def define(machine: Machine) -> None:
    machine.ecs.register_task_definition(
        family="web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[{
            "name": "app", "image": "x",
            "portMappings": [{"name": "web", "containerPort": 8080}, {"name": "files", "containerPort": 8443}],
            "environment": [{"name": "TLS_PORTS", "value": "8443"}],
        }],
    )  # fmt: skip


def create(machine: Machine, name: str, desired: int) -> None:
    machine.ecs.create_service(
        serviceName=name, taskDefinition="web", desiredCount=desired, launchType="FARGATE", networkConfiguration=SUBNETS
    )


def test_tasks_answer_on_real_sockets_plain_and_with_tls(machine: Machine) -> None:
    define(machine)
    create(machine, "web", 3)
    machine.clock.advance(10)
    tasks = machine.ecs.describe_tasks(tasks=machine.ecs.list_tasks()["taskArns"])["tasks"]
    for task in tasks:
        plain = machine.network.send(ip_of(task), 8080, Request(path="/x"))
        secure = machine.network.send(ip_of(task), 8443, Request(path="/x"), tls=True)
        assert [json.loads(answer.body)["port"] for answer in (plain, secure)] == [8080, 8443]
    machine.ecs.delete_service(service="web", force=True)
    machine.clock.advance(60)
    assert [machine.network.address_of(ip_of(task), 8080) for task in tasks] == [None] * 3


def test_many_clients_at_once_lose_nothing(machine: Machine) -> None:
    define(machine)
    names = [f"web-{number:02}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: create(machine, name, 2), names))
        list(pool.map(lambda name: machine.ecs.update_service(service=name, desiredCount=1), names))
    machine.clock.advance(120)
    shown = [machine.ecs.describe_services(services=[name])["services"][0] for name in names]
    assert [(each["runningCount"], len(each["deployments"])) for each in shown] == [(1, 1)] * 12
    addresses = {
        ip_of(task)
        for name in names
        for task in machine.ecs.describe_tasks(tasks=machine.ecs.list_tasks(serviceName=name)["taskArns"])["tasks"]
    }
    assert len(addresses) == 12


def test_a_lost_answer_breaks_the_connection_of_a_real_client(machine: Machine) -> None:
    define(machine)
    ecs.backend().faults.lose_answer("CreateService")
    with pytest.raises(ConnectionClosedError):
        create(machine, "web", 1)
    assert len(machine.ecs.list_services()["serviceArns"]) == 1
