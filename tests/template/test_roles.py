"""Roles: one a function, no wildcard where something is written, and the narrowing that IAM allows."""

from typing import Any

import pytest

READS = ("Describe", "List", "Get")
MANAGED_BY_SAM = {"AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSXrayWriteOnlyAccess"}
OWNER = {"Fn::If": ["OwnerIsStackName", {"Ref": "AWS::StackName"}, {"Ref": "Owner"}]}
TAG_OF_RESOURCE = {"StringEquals": {"aws:ResourceTag/ecs-lattice:owner": OWNER}}
TAG_OF_REQUEST = {"StringEquals": {"aws:RequestTag/ecs-lattice:owner": OWNER}}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def roles(of) -> dict[str, dict[str, Any]]:
    return {key: role for key, role in of.type("AWS::IAM::Role").items() if key != "InfrastructureRole"}


def statements(of) -> list[tuple[str, dict[str, Any]]]:
    return [
        (key, statement)
        for key, role in roles(of).items()
        for policy in role["Policies"]
        for statement in listed(policy["PolicyDocument"]["Statement"])
    ]


def is_read(action: str) -> bool:
    return action.split(":")[1].startswith(READS)


def test_every_function_has_a_role_of_its_own(of):
    used = [of.target(function["Role"]) for function in of.type("AWS::Lambda::Function").values()]
    assert sorted(used) == sorted(roles(of))


def test_managed_policies_are_only_those_that_sam_gives_to_every_such_function(of):
    for key, role in roles(of).items():
        names = {str(arn).rstrip("']}").rsplit("/", 1)[-1] for arn in role["ManagedPolicyArns"]}
        assert names <= MANAGED_BY_SAM, key


def test_every_statement_is_named_and_allows_actions_one_by_one(of):
    for key, statement in statements(of):
        if "Sid" not in statement:
            # Made by SAM for the destination of failed invocations.
            assert (key, listed(statement["Action"])) == ("ResyncFunctionRole", ["sqs:SendMessage"])
        assert statement["Effect"] == "Allow"
        assert not [action for action in listed(statement["Action"]) if "*" in action], (key, statement.get("Sid"))
        assert "NotAction" not in statement
        assert "NotResource" not in statement


def test_nothing_is_written_on_a_wildcard(of):
    for key, statement in statements(of):
        if "*" in listed(statement["Resource"]):
            writes = [action for action in listed(statement["Action"]) if not is_read(action)]
            assert writes == [], (key, statement["Sid"])


def test_writes_on_a_family_of_arns_are_narrowed(of):
    for key, statement in statements(of):
        if "*" in repr(statement["Resource"]) and not all(map(is_read, listed(statement["Action"]))):
            assert "Condition" in statement, (key, statement["Sid"])


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("CreateService", TAG_OF_REQUEST),
        ("CreateTargetGroup", TAG_OF_REQUEST),
        ("CreateListener", TAG_OF_REQUEST),
        ("CreateRule", TAG_OF_REQUEST),
        ("UpdateListener", TAG_OF_RESOURCE),
        ("DeleteListener", TAG_OF_RESOURCE),
        ("UpdateRule", TAG_OF_RESOURCE),
        ("DeleteRule", TAG_OF_RESOURCE),
        ("UpdateService", TAG_OF_RESOURCE),
        ("DeleteService", TAG_OF_RESOURCE),
        ("PutAuthPolicy", TAG_OF_RESOURCE),
        ("UpdateTargetGroup", TAG_OF_RESOURCE),
        ("DeleteTargetGroup", TAG_OF_RESOURCE),
        ("RegisterTargets", TAG_OF_RESOURCE),
        ("DeregisterTargets", TAG_OF_RESOURCE),
        ("DeleteServiceNetworkServiceAssociation", TAG_OF_RESOURCE),
    ],
)
def test_what_carries_a_tag_is_narrowed_by_it(of, action, condition):
    found = [s for _, s in statements(of) if f"vpc-lattice:{action}" in listed(s["Action"])]
    assert found
    assert all(statement["Condition"] == condition for statement in found)


def test_an_association_is_made_with_our_tag_and_for_our_services_only(of):
    action = "vpc-lattice:CreateServiceNetworkServiceAssociation"
    by_sid = {s["Sid"]: s for _, s in statements(of) if action in listed(s["Action"])}
    assert by_sid["AssociateWithNetworks"]["Condition"] == TAG_OF_REQUEST
    assert by_sid["AssociateOurServices"]["Condition"] == TAG_OF_RESOURCE
    assert not [arn for arn in by_sid["AssociateWithNetworks"]["Resource"] if arn["Fn::Sub"].endswith(":service/*")]


def test_what_another_stack_has_tagged_cannot_be_tagged_again(of):
    (statement,) = [s for _, s in statements(of) if s.get("Sid") == "TagNewAsOurs"]
    assert statement["Condition"]["StringEqualsIfExists"] == TAG_OF_RESOURCE["StringEquals"]


def test_ecs_services_are_read_and_changed_only_in_the_clusters_of_the_parameter(of):
    found = [s for _, s in statements(of) if any(a.startswith("ecs:") for a in listed(s["Action"]))]
    open_actions = {a for s in found if "Condition" not in s for a in listed(s["Action"]) if a.startswith("ecs:")}
    assert open_actions == {"ecs:DescribeTaskDefinition", "ecs:ListClusters"}
    for statement in found:
        if "Condition" in statement:
            assert {"Ref": "Clusters"} in statement["Condition"]["ArnLike"]["ecs:cluster"]["Fn::Split"][1]["Fn::Join"][
                1
            ][1]["Fn::Join"]


def test_roles_are_passed_to_ecs_alone(of):
    passing = [(key, s) for key, s in statements(of) if "iam:PassRole" in listed(s["Action"])]
    ((key, statement),) = passing
    assert key == "EcsServiceFunctionRole"
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}


def test_only_ecs_of_this_account_takes_the_infrastructure_role(of):
    role = of.type("AWS::IAM::Role")["InfrastructureRole"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ecs.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (arn,) = role["ManagedPolicyArns"]
    assert arn["Fn::Sub"].endswith(":iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice")


def test_only_a_resync_may_read_the_whole_registry(of):
    assert {key for key, s in statements(of) if "dynamodb:Scan" in listed(s["Action"])} == {"ResyncFunctionRole"}
