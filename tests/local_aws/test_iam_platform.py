"""What AWS does in a role's name: the role has to trust the service, and to allow what it does."""

import itertools
import json

import pytest

from local_aws import server
from local_aws.iam import service_principals
from local_aws.iam.service_principals import ECS, LAMBDA, ServicePrincipal

ACCOUNT = "123456789012"
GROUP = f"arn:aws:vpc-lattice:us-east-1:{ACCOUNT}:targetgroup/tg-1"
SERVICE = f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/default/web"
numbers = itertools.count(1)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(service, **condition):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document({**statement, "Condition": condition} if condition else statement)


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with server.running(speed=60, state_dir=tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def role(aws):
    def make(trust, *actions, resource="*"):
        name, iam = f"platform-{next(numbers)}", aws.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if actions:
            policy = document({"Effect": "Allow", "Action": list(actions), "Resource": resource})
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        return arn

    return make


def registering(role_arn):
    principal = ServicePrincipal(role_arn, ECS, "ecs-service-scheduler", SERVICE)
    return service_principals.refusal(principal, service_principals.side_needs(["vpc-lattice:RegisterTargets"], GROUP))


def test_a_service_does_what_a_role_that_trusts_it_allows(aws, role):
    arn = role(trusting(ECS), "vpc-lattice:RegisterTargets")
    assert registering(arn) is None
    (found,) = asked_of(aws, arn)
    assert (found.caller, found.action, found.resource, found.side) == (ECS, "vpc-lattice:RegisterTargets", GROUP, True)


def test_what_the_role_does_not_allow_is_refused_in_aws_words(role):
    arn = role(trusting(ECS), "vpc-lattice:ListTargets")
    said = registering(arn)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/ecs-service-scheduler"
    assert said is not None
    assert said.startswith(
        f"User: {session} is not authorized to perform: vpc-lattice:RegisterTargets on resource: {GROUP}"
    )


def test_a_role_that_trusts_another_service_or_is_not_there_is_refused(aws, role):
    distrusting, nowhere = role(trusting(LAMBDA), "vpc-lattice:*"), f"arn:aws:iam::{ACCOUNT}:role/nowhere"
    assert "does not trust ecs.amazonaws.com" in str(registering(distrusting))
    assert "There is no role" in str(registering(nowhere))
    assert [asked_of(aws, arn) for arn in (distrusting, nowhere)] == [[], []]


def asked_of(aws, role_arn):
    """The ledger's entries about a role. Others may be written at any time."""
    return [each for each in aws.authorizations if each.role == role_arn.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("condition", "trusted"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:210987654321:*"}}, False),
    ],
)
def test_a_trust_policy_may_name_the_account_and_what_the_service_acts_for(role, condition, trusted):
    assert (registering(role(trusting(ECS, **condition), "vpc-lattice:*")) is None) is trusted


def test_nothing_is_refused_where_nothing_is_enforced(aws, monkeypatch):
    monkeypatch.setattr(aws.services, "enforcement", None)
    assert registering(f"arn:aws:iam::{ACCOUNT}:role/nowhere") is None
    assert service_principals.is_trusted("nobody", LAMBDA)


def test_a_schedule_acts_in_its_role_and_tells_its_dead_letter_queue_what_it_may_not(aws, role, eventually):
    sqs, letters = aws.client("sqs"), f"arn:aws:sqs:us-east-1:{ACCOUNT}:letters"
    url = sqs.create_queue(QueueName="letters")["QueueUrl"]
    sqs.create_queue(QueueName="target")
    arn = role(trusting("scheduler.amazonaws.com"), "sqs:SendMessage", resource=letters)
    target = {
        "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:target",
        "RoleArn": arn,
        "Input": "{}",
        "DeadLetterConfig": {"Arn": letters},
    }
    scheduler = aws.client("scheduler")
    scheduler.create_schedule(
        Name="narrow", ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    found = eventually(lambda: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"))[0][
        "MessageAttributes"
    ]
    scheduler.delete_schedule(Name="narrow")
    assert found["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert (
        "is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:123456789012:target"
        in (found["ERROR_MESSAGE"]["StringValue"])
    )


def test_ecs_registers_no_task_in_a_role_that_may_not(aws, role, eventually):
    """The task runs, and the service's events say why VPC Lattice has no target."""
    ec2, ecs, lattice = (aws.client(name) for name in ("ec2", "ecs", "vpc-lattice"))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]
    group = lattice.create_target_group(
        name="narrow", type="IP", config={"port": 80, "protocol": "HTTP", "vpcIdentifier": vpc}
    )["arn"]
    eventually(lambda: lattice.get_target_group(targetGroupIdentifier=group)["status"] == "ACTIVE")
    ecs.register_task_definition(
        family="narrow", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": "web", "image": "web", "portMappings": [{"name": "web", "containerPort": 80}]}],
    )  # fmt: skip
    arn = role(trusting(ECS, StringEquals={"aws:SourceAccount": ACCOUNT}), "vpc-lattice:ListTargets")
    ecs.create_service(
        serviceName="narrow", taskDefinition="narrow", desiredCount=1, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        vpcLatticeConfigurations=[{"roleArn": arn, "targetGroupArn": group, "portName": "web"}],
    )  # fmt: skip

    def said():
        events = ecs.describe_services(services=["narrow"])["services"][0]["events"]
        return [event["message"] for event in events if "RegisterTargets" in event["message"]]

    assert "is not authorized to perform: vpc-lattice:RegisterTargets" in eventually(said)[0]
    assert lattice.list_targets(targetGroupIdentifier=group)["items"] == []
    ecs.delete_service(service="narrow", force=True)
