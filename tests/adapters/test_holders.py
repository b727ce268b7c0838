"""Whether ECS says for certain that the holder of a Lattice service is gone, over boto3 and the local AWS."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from ecs_lattice.aws.holders import BotoHolders
from ecs_lattice.errors import DeniedError, ThrottledError, UnavailableError
from local_aws import ecs
from tests.ecs_side import bench as benches
from tests.ecs_side.bench import SERVICE

CLUSTER = f"arn:aws:ecs:us-east-1:123456789012:cluster/{SERVICE.cluster}"
ELSEWHERE = SERVICE.arn.replace(f"/{SERVICE.cluster}/", "/nowhere/")


@pytest.fixture
def bench():
    with benches.bench() as started:
        yield started


def is_gone(arn: str) -> bool:
    return BotoHolders(boto3.client("ecs")).is_gone(arn)


def test_what_is_there_is_not_gone_and_what_is_missing_is(bench):
    bench.create()
    before = len(ecs.backend().calls)
    assert [is_gone(arn) for arn in (CLUSTER, SERVICE.arn)] == [False, False]
    assert [is_gone(arn) for arn in (f"{CLUSTER}-2", f"{SERVICE.arn}-2", ELSEWHERE)] == [True, True, True]
    operations = [call.operation for call in ecs.backend().calls[before:]]
    assert operations == ["DescribeClusters", "DescribeServices"] * 2 + ["DescribeServices"]


def test_what_is_deleted_is_gone_once_it_is_inactive(bench):
    bench.create()
    bench.ecs.delete_service(cluster=SERVICE.cluster, service=SERVICE.arn, force=True)
    bench.until(lambda: bench.service()["status"] == "INACTIVE")
    assert is_gone(SERVICE.arn)
    bench.ecs.delete_cluster(cluster=SERVICE.cluster)
    assert is_gone(CLUSTER)


@pytest.mark.parametrize(("arn", "operation"), [(CLUSTER, "DescribeClusters"), (SERVICE.arn, "DescribeServices")])
def test_what_ecs_does_not_say_is_an_error(bench, arn, operation):
    faults = ecs.backend().faults
    faults.refuse(operation, "AccessDeniedException", "not authorized")
    with pytest.raises(DeniedError):
        is_gone(f"{arn}-2")
    faults.throttle(operation, times=20)
    with pytest.raises(ThrottledError):
        is_gone(f"{arn}-2")


def answering(members: str, found: list[Any], failures: list[Any]) -> BotoHolders:
    answer = {members: found, "failures": failures}
    client: Any = SimpleNamespace(describe_clusters=lambda **_: answer, describe_services=lambda **_: answer)
    return BotoHolders(client)


@pytest.mark.parametrize(("arn", "members"), [(CLUSTER, "clusters"), (SERVICE.arn, "services")])
def test_only_inactive_and_missing_are_gone(arn, members):
    for status in ("ACTIVE", "PROVISIONING", "DEPROVISIONING", "DRAINING", "FAILED", ""):
        assert not answering(members, [{"status": status}], []).is_gone(arn), status
    assert not answering(members, [], []).is_gone(arn)
    assert answering(members, [{"status": "INACTIVE"}], []).is_gone(arn)
    with pytest.raises(UnavailableError):
        answering(members, [], [{"arn": arn, "reason": "SOMETHING_ELSE"}]).is_gone(arn)
