"""Roles: one a function, no wildcard for writes, and every restriction that IAM allows."""

import json
from typing import Any

import pytest

from ecs_lattice.messages.announcements import SOURCE

READS = ("Describe", "List", "Get")
# No resource form in IAM, and no condition (Service Authorization Reference, AWS X-Ray).
TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
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


def is_of_the_clusters(statement: dict[str, Any]) -> bool:
    """Whether its condition restricts it to the clusters of the parameter in this Region."""
    condition = statement.get("Condition", {})
    return "ecs:cluster" in condition.get("ArnLike", {}) and condition["StringEquals"] == {
        "aws:RequestedRegion": {"Ref": "AWS::Region"}
    }


def test_every_function_has_a_role_of_its_own(of):
    used = [of.target(function["Role"]) for function in of.type("AWS::Lambda::Function").values()]
    assert sorted(used) == sorted(roles(of))


def test_no_role_of_a_function_has_a_policy_that_was_not_written_for_it(of):
    for key, role in roles(of).items():
        assert "ManagedPolicyArns" not in role, key


def test_only_lambda_takes_the_roles_of_the_functions(of):
    for key, role in roles(of).items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}, key


def test_every_statement_is_named_and_allows_actions_one_by_one(of):
    for key, statement in statements(of):
        assert statement["Sid"]
        assert statement["Effect"] == "Allow"
        assert not [action for action in listed(statement["Action"]) if "*" in action], (key, statement["Sid"])
        assert "NotAction" not in statement
        assert "NotResource" not in statement


def test_every_function_writes_its_own_log_and_no_other(of):
    for key, function in of.type("AWS::Lambda::Function").items():
        (statement,) = [s for role, s in statements(of) if role == f"{key}Role" and s["Sid"] == "WriteLog"]
        assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        group = of.target(function["LoggingConfig"]["LogGroup"])
        assert statement["Resource"] == {"Fn::GetAtt": [group, "Arn"]}  # which ends in :*, so its streams


def test_nothing_is_written_on_a_wildcard(of):
    for key, statement in statements(of):
        if "*" in listed(statement["Resource"]) and not is_of_the_clusters(statement):
            writes = [action for action in listed(statement["Action"]) if not is_read(action)]
            assert writes in ([], TRACES), (key, statement["Sid"])


# The security groups of future tasks are not known in advance (docs/security.md, "What IAM cannot restrict").
WRITES_ON_ANY = {
    ("OpenSecurityGroups", "ec2:AuthorizeSecurityGroupIngress"),
    ("CloseSecurityGroups", "ec2:RevokeSecurityGroupIngress"),
}


def test_writes_on_a_family_of_arns_are_restricted(of):
    for key, statement in statements(of):
        if listed(statement["Action"]) == TRACES or statement["Sid"] == "WriteLog":
            continue
        if (statement.get("Sid"), str(statement["Action"])) in WRITES_ON_ANY:
            assert statement["Resource"]["Fn::Sub"].endswith(":security-group/*")
            continue
        if statement.get("Sid") in {"KeepAlarms", "DeleteRouteAlarms"}:
            template, values = statement["Resource"]["Fn::Sub"]
            assert template.endswith(":alarm:ecs-lattice/${Name}/*")
            assert values == {"Name": OWNER}
            continue
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
def test_what_has_a_tag_is_restricted_by_it(of, action, condition):
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
    (holders,) = [s for s in found if s["Sid"] == "SeeWhetherHoldersExist"]  # a former cluster may have left Clusters
    assert listed(holders["Action"]) == ["ecs:DescribeClusters", "ecs:DescribeServices"]
    found.remove(holders)
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


CLUSTERS = 41
INLINE = 10_240
"""IAM User Guide, IAM and AWS STS quotas: characters of all inline policies of a role, without white space."""


def test_41_clusters_fit_into_every_role(of):
    """With names of 60 characters, and everything else as long as it becomes."""
    names = [f"{number:02}-{'c' * 57}" for number in range(CLUSTERS)]
    values = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-northeast-1", "AWS::AccountId": "123456789012"}

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "Fn::Split" in part and "Clusters" in repr(part):
            return [f"arn:*:ecs:*:*:cluster/{name}" for name in names]
        if "Fn::Sub" in part:
            text = part["Fn::Sub"] if isinstance(part["Fn::Sub"], str) else part["Fn::Sub"][0]
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", value)
            return text
        if "Ref" in part or "Fn::GetAtt" in part:
            return values.get(str(part.get("Ref")), "arn:aws-us-gov:dynamodb:ap-northeast-1:123456789012:" + "n" * 64)
        if "Fn::If" in part:
            return resolved(part["Fn::If"][1])
        return {key: resolved(value) for key, value in part.items()}

    for key, role in roles(of).items():
        policies = [resolved(policy["PolicyDocument"]) for policy in role["Policies"]]
        length = sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies)
        assert length <= INLINE, (key, length)


def test_only_ecs_takes_the_infrastructure_role(of):
    role = of.type("AWS::IAM::Role")["InfrastructureRole"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ecs.amazonaws.com"}
    assert "Condition" not in statement  # what ECS does not send would keep every service from being attached
    (arn,) = role["ManagedPolicyArns"]
    assert arn["Fn::Sub"].endswith(":iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice")


def test_only_who_looks_at_everything_may_read_the_whole_registry(of):
    scanning = {key for key, s in statements(of) if "dynamodb:Scan" in listed(s["Action"])}
    assert scanning == {"ResyncFunctionRole", "TargetHealthFunctionRole", "EcsEventsFunctionRole", "QueryFunctionRole"}


def allowing(of, action: str) -> dict[str, list[dict[str, Any]]]:
    """The statements that allow an action, by role."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key, statement in statements(of):
        if action in listed(statement["Action"]):
            found.setdefault(key, []).append(statement)
    return found


def test_rules_of_security_groups_are_made_with_our_tag_or_not_at_all(of):
    by_role = allowing(of, "ec2:AuthorizeSecurityGroupIngress")
    assert set(by_role) == {"EcsServiceFunctionRole", "ResyncFunctionRole", "LatticeIngressFunctionRole"}
    for key, found in by_role.items():
        on_rules = [s for s in found if "security-group-rule/*" in repr(s["Resource"])]
        assert [s["Condition"] for s in on_rules] == [TAG_OF_REQUEST], key
        assert len(found) == 2, key


def test_rules_of_security_groups_are_revoked_only_where_nobody_adds_for_a_route(of):
    assert set(allowing(of, "ec2:RevokeSecurityGroupIngress")) == {"ResyncFunctionRole", "LatticeIngressFunctionRole"}


def test_tags_are_given_to_new_rules_and_changed_on_our_own(of):
    tag_on_creation = {
        "StringEquals": {**TAG_OF_REQUEST["StringEquals"], "ec2:CreateAction": "AuthorizeSecurityGroupIngress"}
    }
    for key, found in allowing(of, "ec2:CreateTags").items():
        assert [s["Condition"] for s in found] == [tag_on_creation, TAG_OF_RESOURCE], key
        assert all(s["Resource"]["Fn::Sub"].endswith(":security-group-rule/*") for s in found), key
    assert all(s["Condition"] == TAG_OF_RESOURCE for found in allowing(of, "ec2:DeleteTags").values() for s in found)


def test_events_are_put_on_the_default_bus_with_our_source_alone(of):
    ((key, (statement,)),) = allowing(of, "events:PutEvents").items()
    assert key == "EcsServiceFunctionRole"
    assert statement["Resource"]["Fn::Sub"].endswith(":event-bus/default")
    assert statement["Condition"] == {"StringEquals": {"events:source": SOURCE}}


def test_only_the_alarm_function_publishes(of):
    ((key, (statement,)),) = allowing(of, "sns:Publish").items()
    assert (key, statement["Resource"]) == ("AlarmFunctionRole", {"Ref": "NotifyTopic"})


def test_dead_letters_are_sampled_and_deleted_by_nobody(of):
    (looking,) = [s for _, s in statements(of) if s.get("Sid") == "SampleDeadLetters"]
    assert listed(looking["Action"]) == ["sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    for _, statement in statements(of):
        if "sqs:DeleteMessage" in listed(statement["Action"]):
            assert "DeadLetter" not in repr(statement["Resource"])


def test_who_verifies_requests_of_cloudformation_may_ask_about_what_its_resource_belongs_to(of):
    """A resource of type Custom::RetainedResources in another stack cannot pass for this stack's own."""
    asking = {
        key: statement["Resource"]
        for key, statement in statements(of)
        if any(action.startswith("cloudformation:") for action in listed(statement["Action"]))
    }
    stacks = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/*"
    assert asking == {
        "ResyncFunctionRole": {"Ref": "AWS::StackId"},
        "LatticeIngressFunctionRole": {"Fn::Sub": stacks},
    }
