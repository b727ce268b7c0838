"""Custom::RetainedResources: what a stack retains goes with it once an uninstall has ended, and not before."""

import json

import boto3
import pytest

from ecs_lattice import api_calls
from ecs_lattice.aws.retained import BotoRetained
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.custom_resource.verification import Verification
from ecs_lattice.errors import DeniedError, NotFoundError
from ecs_lattice.retained import RetainedResources
from ecs_lattice.stack_state import UNINSTALL, UNINSTALLED
from local_aws import inprocess
from local_aws.iam import backend as iam_backend
from tests.custom_resource.conftest import CloudFormation

POLICY = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/ecs-lattice/1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Documents:
    """The registry's documents of kind ``stack``; ``is_lost`` stands for a table that is not there."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.is_lost = False

    def document(self, kind: str, key: str) -> str | None:
        if self.is_lost:
            raise NotFoundError("GetItem", "ResourceNotFoundException", "Requested resource not found")
        return "{}" if kind == "stack" and key in self.names else None


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    iam_backend.install()
    with inprocess.started() as running:
        yield running


@pytest.fixture
def properties(machine):
    """What a stack retains, made as the template makes it."""
    lattice, vpc = boto3.client("vpc-lattice"), boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    network = lattice.create_service_network(name="ours")["arn"]
    association = lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=vpc)[
        "arn"
    ]
    machine.clock.advance(120)
    boto3.client("logs").create_log_group(logGroupName="/aws/vendedlogs/ours")
    boto3.client("iam").create_role(RoleName="infrastructure", AssumeRolePolicyDocument=json.dumps(TRUST))
    boto3.client("iam").attach_role_policy(RoleName="infrastructure", PolicyArn=POLICY)
    boto3.client("dynamodb").create_table(
        TableName="registry",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return {
        "Table": "registry",
        "InfrastructureRole": "infrastructure",
        "ServiceNetwork": network,
        "VpcAssociations": [association],
        "AccessLogGroup": "/aws/vendedlogs/ours",
    }


def there() -> set[str]:
    return {
        *boto3.client("dynamodb").list_tables()["TableNames"],
        *(
            role["RoleName"]
            for role in boto3.client("iam").list_roles()["Roles"]
            if role["RoleName"] == "infrastructure"
        ),
        *(network["name"] for network in boto3.client("vpc-lattice").list_service_networks()["items"]),
        *(group["logGroupName"] for group in boto3.client("logs").describe_log_groups()["logGroups"]),
    }


ALL = {"registry", "infrastructure", "ours", "/aws/vendedlogs/ours"}


def store() -> BotoRetained:
    lattice, logs, iam, dynamodb = map(boto3.client, ("vpc-lattice", "logs", "iam", "dynamodb"))
    return BotoRetained(lattice, logs, iam, dynamodb, POLICY)


def ask(machine, documents, properties, kind="Delete", status="DELETE_IN_PROGRESS", error=None):
    request = Request(kind, "1", STACK, "RetainedResources", "Custom::RetainedResources", "the-id", properties)
    stacks = CloudFormation(errors=[error] * 1000 if error else [])
    stacks.sends(request, status=status)
    with api_calls.within(100):
        verification = Verification(stacks, machine.clock.advance)
        return RetainedResources(documents, store(), verification, machine.clock.advance).apply(request)


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_making_and_changing_the_stack_deletes_nothing(machine, properties, kind):
    assert ask(machine, Documents(UNINSTALL, UNINSTALLED), properties, kind).is_success
    assert there() == ALL


def test_a_deletion_without_an_uninstall_keeps_everything(machine, properties):
    answer = ask(machine, Documents(), properties)
    assert (answer.is_success, answer.physical_id) == (True, "the-id")
    assert there() == ALL


def test_a_deletion_in_the_middle_of_an_uninstall_is_refused_with_what_to_do(machine, properties):
    answer = ask(machine, Documents(UNINSTALL), properties)
    assert not answer.is_success
    assert '{"mode": "uninstall"}' in answer.reason
    assert "stack#uninstall" in answer.reason
    assert there() == ALL


def test_a_lost_registry_knows_of_no_uninstall(machine, properties):
    documents = Documents(UNINSTALL, UNINSTALLED)
    documents.is_lost = True
    assert ask(machine, documents, properties).is_success
    assert there() == ALL


def test_a_deletion_after_an_uninstall_takes_everything_away_and_can_be_repeated(machine, properties):
    for _ in range(2):
        assert ask(machine, Documents(UNINSTALL, UNINSTALLED), properties).is_success
        assert there() == set()


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_deletion_that_cloudformation_knows_nothing_of_deletes_nothing(machine, properties, status):
    answer = ask(machine, Documents(UNINSTALL, UNINSTALLED), properties, status=status)
    assert not answer.is_success
    assert "CloudFormation does not list this resource" in answer.reason
    assert there() == ALL


def test_while_cloudformation_cannot_be_asked_nothing_is_deleted(machine, properties, monkeypatch):
    monkeypatch.setattr("time.monotonic", machine.clock.time)
    denied = DeniedError("DescribeStackResource", "AccessDenied", "not authorized")
    with pytest.raises(DeniedError):
        ask(machine, Documents(UNINSTALL, UNINSTALLED), properties, error=denied)
    assert there() == ALL


def test_a_stack_without_a_network_of_its_own_has_less_to_take_away(machine, properties):
    own = {name: properties[name] for name in ("Table", "InfrastructureRole")}
    assert ask(machine, Documents(UNINSTALL, UNINSTALLED), own).is_success
    assert there() == {"ours", "/aws/vendedlogs/ours"}


def test_a_network_that_somebody_else_uses_is_named_and_the_registry_stays_for_the_next_try(machine, properties):
    lattice = boto3.client("vpc-lattice")
    theirs = lattice.create_service(name="theirs")["id"]
    machine.clock.advance(60)
    lattice.create_service_network_service_association(
        serviceNetworkIdentifier=properties["ServiceNetwork"], serviceIdentifier=theirs
    )
    machine.clock.advance(60)
    answer = ask(machine, Documents(UNINSTALL, UNINSTALLED), properties)
    assert not answer.is_success
    assert f"service network {properties['ServiceNetwork']} could not be deleted" in answer.reason
    assert there() == ALL


def test_a_role_with_more_on_it_than_the_template_gives_is_not_deleted(machine, properties):
    boto3.client("iam").put_role_policy(RoleName="infrastructure", PolicyName="more", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]
    }))  # fmt: skip
    answer = ask(machine, Documents(UNINSTALL, UNINSTALLED), properties)
    assert "role infrastructure could not be deleted" in answer.reason
    assert there() == {"registry", "infrastructure"}


def test_what_the_role_of_the_function_may_not_do_is_the_reason(machine, properties, monkeypatch):
    def denied(_store, _name):
        raise DeniedError("DeleteTable", "AccessDeniedException", "not authorized")

    monkeypatch.setattr(BotoRetained, "delete_table", denied)
    answer = ask(machine, Documents(UNINSTALL, UNINSTALLED), properties)
    assert not answer.is_success
    assert "table registry could not be deleted" in answer.reason
