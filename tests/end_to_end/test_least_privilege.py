"""The functions' roles allow what the functions do, and nothing else.

A story makes every function do everything that it is there for, on a local AWS that enforces IAM (:mod:`tests.end_to_end.tour`).
What the roles were asked for on the way is then held against their policies, read back from IAM, action by action. What ECS
does with the infrastructure role is left out: its policy is AWS's own.
"""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local_aws import server
from local_aws.__main__ import build
from local_aws.iam.authorization_log import Authorization
from local_aws.iam.evaluation import Request
from tests.end_to_end import roles, tour
from tests.end_to_end.administrator import Administrator
from tests.end_to_end.conftest import ROOT, Operator
from tests.end_to_end.roles import Asked, Document, Grant

pytestmark = pytest.mark.timeout(900)  # the story takes two minutes, on a machine that does nothing else less

OTHERS = {
    "aws:resourcetag/ecs-lattice:owner": "somebody-else",
    "aws:requesttag/ecs-lattice:owner": "somebody-else",
    "ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/somebody-elses",
    "iam:passedtoservice": "lambda.amazonaws.com",
    "iam:awsservicename": "ecs.amazonaws.com",
    "ec2:createaction": "RunInstances",
    "events:source": "aws.ecs",
}
"""What a request on something that is not this stack's own has, by condition key."""
NAME = "name"
REACHED = {
    # The rule that is added must be tagged as ours; which groups tasks will have is not known beforehand.
    ("ec2:AuthorizeSecurityGroupIngress", "security-group", "aws:requesttag/ecs-lattice:owner"),
    # Authorized on the group alone.
    ("ec2:RevokeSecurityGroupIngress", "security-group", NAME),
    # The same call is authorized on the association as well, which must be tagged as ours.
    ("vpc-lattice:CreateServiceNetworkServiceAssociation", "service", "aws:requesttag/ecs-lattice:owner"),
}
"""Writes that are allowed on what is not ours (docs/security.md, "What IAM cannot restrict"): action, kind of resource, and
what about it was somebody else's."""
READS = ("Describe", "List", "Get")
BY_NAME = {"cloudwatch", "dynamodb", "iam", "logs", "sns", "sqs"}
"""Services whose resources are told by their names; of two of them, also where they are read."""
READ_BY_NAME = {"dynamodb", "sqs"}


@dataclass(frozen=True)
class Story:
    """What came of the tour. By the logical ids of the roles: policies as IAM has them, and what was asked for and allowed."""

    broke_off: str
    ledger: tuple[Authorization, ...]
    names: dict[str, str]
    functions: dict[str, str]
    policies: dict[str, Document]
    asked: dict[str, tuple[Asked, ...]]

    @property
    def so_far(self) -> str:
        """For messages: that what is missing may only not have come any more."""
        return f"; but the story broke off: {self.broke_off.splitlines()[0]}" if self.broke_off else ""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    if not (ROOT / ".aws-sam" / "build" / "template.yaml").exists():
        build(ROOT)
    with server.running(speed=50, state_dir=tmp_path_factory.mktemp("local-aws")) as aws:
        ec2 = aws.client("ec2")
        vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (1, 2, 3)]
        networks = {f"NetworkVpc{number}": vpc for number, vpc in enumerate(vpcs, 1)}
        aws.load(ROOT / ".aws-sam" / "build", parameters={**tour.PARAMETERS, **networks})
        admin = Administrator(Operator(aws))
        names = {key: admin.output(key) for key in roles.of_the_template()}
        functions = {key: admin.output(key.removesuffix("Role")) for key in names}
        policies = {key: policy_of(admin, name) for key, name in names.items()}
        broke_off = ""
        try:
            tour.take(admin)
        except AssertionError as error:
            broke_off = f"{error}\n{traceback.format_exc(limit=-3)}"
        return Story(
            broke_off,
            tuple(aws.authorizations),
            names,
            functions,
            policies,
            {key: asked_of(aws.authorizations, name) for key, name in names.items()},
        )


def policy_of(admin: Administrator, role: str) -> Document:
    iam = admin.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def asked_of(ledger: list[Authorization], role: str) -> tuple[Asked, ...]:
    found = {Asked.of(one): None for one in ledger if one.role == role and one.allowed}
    return tuple(found)


def test_the_story_came_to_its_end(story):
    assert story.broke_off == ""


def test_nobody_was_denied_anything(story):
    assert {(one.role, one.action, one.resource) for one in story.ledger if not one.allowed} == set()


def test_the_policies_that_were_built_are_those_of_the_template(story):
    """Otherwise the build is older than the template: run `sam build`."""
    built = {
        str(Grant(role, statement["Sid"], action=action))
        for role, document in story.policies.items()
        for statement in document["Statement"]
        for action in roles.listed(statement["Action"])
    }
    assert built == {str(grant) for grant in roles.actions()}


@pytest.mark.parametrize("role", sorted(roles.of_the_template()))
def test_a_role_is_used_by_its_own_function_alone(story, role):
    callers = {one.caller for one in story.ledger if one.role == story.names[role]}
    assert callers == {story.functions[role], "lambda.amazonaws.com"}


@pytest.mark.parametrize("grant", roles.actions(), ids=str)
def test_an_action_less_and_the_function_could_not_do_its_work(story, grant):
    """So there is none that nobody uses, none twice, and a mistaken removal does not go unnoticed."""
    left = roles.without(story.policies[grant.role], grant)
    used = [one for one in story.asked[grant.role] if one.action.lower() == grant.action.lower()]
    assert used, f"{grant.role}: the function never used {grant.action} (statement {grant.sid}){story.so_far}"
    lacking = roles.refused(left, used)
    assert lacking, (
        f"{grant.role}: statement {grant.sid} allows {grant.action}, which others of its statements allow, too{story.so_far}"
    )


@pytest.mark.parametrize("grant", roles.resources(), ids=str)
def test_a_resource_less_and_the_function_could_not_do_its_work(story, grant):
    document = story.policies[grant.role]
    (statement,) = [one for one in document["Statement"] if one["Sid"] == grant.sid]
    lacking = roles.refused(roles.without(document, grant), story.asked[grant.role])
    named = roles.listed(statement["Resource"])[grant.resource]
    assert lacking, f"{grant.role}: no use of statement {grant.sid} was on {named}{story.so_far}"


@pytest.mark.parametrize("role", sorted(roles.of_the_template()))
def test_what_is_not_this_stacks_own_is_out_of_reach(story, role):
    """Every write that a function made, with somebody else's tag, cluster or name in its place, or with none, is denied."""
    document = story.policies[role]
    reached = {
        (one.action, kind_of(one.resource), of_others)
        for one in story.asked[role]
        for of_others, request in on_others(one)
        if roles.allows(document, request)
    }
    assert {(action, kind) for action, kind, _ in reached - REACHED} == set()


def test_what_iam_cannot_narrow_is_no_more_than_the_documents_say(story):
    """What is listed below is listed for a reason that still holds."""
    reached = {
        (one.action, kind_of(one.resource), of_others)
        for role, document in story.policies.items()
        for one in story.asked[role]
        for of_others, request in on_others(one)
        if roles.allows(document, request)
    }
    assert reached == REACHED


def on_others(asked: Asked) -> Iterator[tuple[str, Request]]:
    """A request as it would be for what is somebody else's, one thing about it at a time; nothing for reads that IAM cannot
    narrow, or need not (tests/template/test_roles.py says which reads are open)."""
    service, operation = asked.action.split(":")
    if service == "xray" or (operation.startswith(READS) and service not in READ_BY_NAME):
        return
    keys = [key for key in OTHERS if key in asked.context]
    if asked.resource != "*" and (service in BY_NAME or not keys):
        yield NAME, asked.on(of_somebody_else(asked.resource))
    for key in () if service == "cloudwatch" else keys:
        yield key, asked.with_condition(key, OTHERS[key])
        yield key, asked.with_condition(key, None)


def of_somebody_else(arn: str) -> str:
    """The ARN of another thing of the kind: alarms of another stack have another folder."""
    for ours, theirs in (
        (":alarm:ecs-lattice/ecs-lattice/", ":alarm:ecs-lattice/somebody-else/"),
        (":log-group:", ":log-group:somebody-elses-"),
    ):
        if ours in arn:
            return arn.replace(ours, theirs)
    return f"{arn}-of-somebody-else"


def kind_of(arn: str) -> str:
    """``security-group`` for one's ARN."""
    return arn.split(":", 5)[-1].split("/", maxsplit=1)[0]
