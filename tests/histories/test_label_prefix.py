"""A stack with another label prefix: what it writes, sends and logs names its own labels only."""

import json

import boto3
import pytest

from tests import world as worlds
from tests.core.test_label_prefix import LABEL
from tests.histories.labels import LABELS
from tests.histories.on_call import OnCallWorld
from tests.histories.test_on_call import closed, hooked_up_in

MESH = {key.replace("lattice.", "mesh.", 1): value for key, value in LABELS.items()}
AT_ONCE = {"mesh.health.grace": "0", "mesh.service": "orders"}


@pytest.fixture
def world():
    with worlds.started(label_prefix="mesh") as started:
        yield started


def said_by(world, on_call, capsys) -> str:
    """All that people can read: statuses, answers, messages, alarms, and the log."""
    records = [text for _, text in world.registry.documents("ecs")]
    records += [str(record) for record in world.registry.claims()]
    alarms = json.dumps(boto3.client("cloudwatch").describe_alarms()["MetricAlarms"], default=str)
    return "\n".join(
        [*records, *map(str, on_call.mails()), *map(str, on_call.chats()), alarms, capsys.readouterr().out]
    )


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ({"mesh.ingress": "off"}, "INGRESS_OFF"),
        ({"mesh.ingress": "off", "mesh.health.path": "/nowhere"}, "INGRESS_OFF"),
        ({"mesh.sevice": "orders"}, "UNKNOWN_KEY"),
        ({"mesh.network": "nowhere"}, "NETWORK_UNKNOWN"),
    ],
)
def test_a_group_that_stays_closed_and_a_refused_declaration(world, capsys, labels, code):
    on_call = OnCallWorld(world)
    hooked_up_in(world, closed(world), {**MESH, **AT_ONCE, **labels})
    world.sweep()
    world.run(600)
    said = said_by(world, on_call, capsys)
    assert code in said
    assert "mesh." in said
    assert LABEL.findall(said) == []


def test_a_service_in_the_default_group_of_its_vpc(world, capsys):
    on_call = OnCallWorld(world)
    groups = world.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])[
        "SecurityGroups"
    ]
    (vpc,) = {subnet["VpcId"] for subnet in world.ec2.describe_subnets(SubnetIds=world.subnets)["Subnets"]}
    default = next(group["GroupId"] for group in groups if group["VpcId"] == vpc)
    hooked_up_in(world, default, MESH)
    said = said_by(world, on_call, capsys)
    assert "INGRESS_DEFAULT_GROUP" in said
    assert "mesh.ingress = manage" in said
    assert LABEL.findall(said) == []
