"""Calls to the stack's own table are denied for a while: nothing ends because of it, and nothing undone counts as done."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from ecs_lattice.messages.requests import ReconcileRequest
from tests.histories.checks import failing, released
from tests.histories.labels import LABELS, hooked_up
from tests.histories.test_ingress import group_of, notices, settled, sweeps


@contextmanager
def denied(world, operation: str, sk: str) -> Iterator[list[str]]:
    """``operation`` of the table is denied for items whose sort key begins with ``sk``."""
    refused: list[str] = []

    def refuse(params, **_: object) -> None:
        key = (params.get("Key") or params["Item"])["sk"]["S"]
        if key.startswith(sk):
            refused.append(key)
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yet"}}, operation)

    event = f"before-parameter-build.dynamodb.{operation}"
    world.dynamodb.meta.events.register(event, refuse)
    try:
        yield refused
    finally:
        world.dynamodb.meta.events.unregister(event, refuse)


@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "UpdateItem", "Query"])
def test_a_table_that_denies_calls_for_seconds_costs_seconds(world, operation):
    world.chaos.lose = 1.0
    arn = world.deploy(world.register(LABELS))
    world.run(600)
    world.chaos.lose = 0.0
    with failing(world.dynamodb, operation, "AccessDeniedException", times=3) as refused:
        world.enqueue([ReconcileRequest("ecsService", arn)])
        world.run(1200)
    assert len(refused) == 3
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_requirement_whose_deletion_was_denied_is_deleted_later_and_the_group_is_closed(world):
    group = group_of(world)
    settled(world)
    arn = hooked_up(world, groups=[group])
    with denied(world, "DeleteItem", "need#") as refused:
        released(world, arn, {})
        world.run(3600)
        assert refused
        assert world.inbound(group) == {("ours", "IPv4", 8080, 8080)}
    world.run(900)
    sweeps(world, 3)
    assert world.inbound(group) == set()
    assert list(world.registry.requirements()) == []
    assert world.registry.document("ecs", arn) is None


def test_what_ec2_denied_while_ingress_was_turned_off_is_done_later(world):
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    default = world.ingress.groups.default_group(vpc).id
    settled(world)
    arn = hooked_up(world, {**LABELS, "lattice.ingress": "manage"}, groups=[])
    assert world.inbound(default) == {("ours", "IPv4", 8080, 8080)}
    with failing(world.ec2, "DescribeSecurityGroups", "UnauthorizedOperation"):
        world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.ingress", "value": "off"}])
        world.run(300)
        assert "INGRESS_DENIED" in notices(world, arn)
    sweeps(world, 4)
    assert world.inbound(default) == set()
    assert list(world.registry.requirements()) == []
    assert "INGRESS_DENIED" not in notices(world, arn)
