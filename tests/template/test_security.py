"""docs/security.md says what the template and the code do: its tables, its lists, and the policies that it advises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ecs_lattice import ownership
from ecs_lattice.consumers import reconciles
from ecs_lattice.lattice_side.priorities import specificity
from ecs_lattice.messages import recognise
from ecs_lattice.model import Match, PathMatch
from local_aws.iam import reference
from local_aws.iam.evaluation import Policy, Request, decide
from tests.template.translation import listed, target

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
QUEUES_OF_REQUESTS = {"EcsEventsQueue", "EcsServicesQueue", "LatticeServicesQueue"}
# What a row of the table of roles says of an action, or of sending to a queue.
WRITES = {
    "ecs:UpdateService": "`ecs:UpdateService` in `Clusters`",
    "vpc-lattice:RegisterTargets": "targets of groups with our tag",
    "ec2:AuthorizeSecurityGroupIngress": "security group rules",
    "ec2:DeleteTags": "tags",
    "iam:PassRole": "passes the infrastructure role",
    "dynamodb:PutItem": "registry",
    "events:PutEvents": "events of source `ecs-lattice`",
    "vpc-lattice:CreateService": "Lattice resources with our tag",
    "cloudwatch:DeleteAlarms": "alarms under `ecs-lattice/<Owner>/`",
    "dynamodb:DeleteTable": "deletes the resources that the stack retains",
    "sns:Publish": "the topic",
    "to the requests' queues": "reconcile requests",
    "to the dead-letter queue": "to the dead-letter queue",
    "to the alarms' queue": "its own queue",
}
READS = {
    "ecs:DescribeServices": "ECS services",
    "ecs:ListTasks": "tasks in `Clusters`",
    "ecs:DescribeTaskDefinition": "task definitions",
    "ec2:DescribeSubnets": "subnets",
    "ec2:DescribeSecurityGroupRules": "rules",
    "ec2:DescribeSecurityGroups": "security groups and their rules",
    "ecs:ListClusters": "the list of clusters",
    "tag:GetResources": "resources by tag",
    "cloudwatch:DescribeAlarms": "alarms",
    "dynamodb:": "the registry",
    "sqs:GetQueueUrl": "some messages of the dead-letter queues",
    "sqs:DeleteMessage": " queue",
}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def coded(cell: str, pattern: str = r"[a-z0-9-]+:[A-Za-z*]+") -> set[str]:
    return set(re.findall(rf"`({pattern})`", cell))


def table(text: str) -> dict[str, list[str]]:
    """The rows of a table by what is in code font in the first cell, or by the whole cell."""
    return {(re.findall("`([^`]+)`", first) or [first])[0]: rest for first, *rest in rows(text)}


def roles(of) -> dict[str, list[dict[str, Any]]]:
    """The statements of each function's role, by the function's folder."""
    found = {}
    for key, function in of.type("AWS::Lambda::Function").items():
        folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.removesuffix("Function")).lower()
        policies = of.type("AWS::IAM::Role")[of.target(function["Role"])]["Policies"]
        found[folder] = [s for policy in policies for s in listed(policy["PolicyDocument"]["Statement"])]
    return found


def allowed(statements: list[dict[str, Any]]) -> set[str]:
    """The actions of a role; for sqs:SendMessage also to which queues."""
    actions = {action for statement in statements for action in listed(statement["Action"])}
    queues = {
        target(queue) for s in statements if "sqs:SendMessage" in listed(s["Action"]) for queue in listed(s["Resource"])
    }
    named = {"AlarmsQueue": "to the alarms' queue", "DeadLetterQueue": "to the dead-letter queue"}
    return actions | {named.get(queue, "to the requests' queues") for queue in queues}


def test_the_table_of_roles_has_every_function_and_what_it_writes_and_reads(of):
    described = table(section("Who may do what"))
    found = roles(of)
    assert set(described) == {*found, "ECS (infrastructure role)"}
    for folder, statements in found.items():
        read, written = described[folder]
        actions = allowed(statements)
        for action, words in WRITES.items():
            assert (words in written) == (action in actions), (folder, action, words)
        for action, words in READS.items():
            if any(one.startswith(action) for one in actions):
                assert words in f" {read}", (folder, action, words)


def test_who_may_be_invoked_by_the_functions_own_policies(of):
    permitted = {of.target(p["FunctionName"]) for p in of.type("AWS::Lambda::Permission").values()}
    assert permitted == {"ResyncFunction", "TargetHealthFunction"}
    assert {p["Principal"] for p in of.type("AWS::Lambda::Permission").values()} == {"events.amazonaws.com"}
    assert "by the functions' resource policies, on `resync` and `target_health`" in " ".join(
        section("Who may invoke a function").split()
    )


def test_every_function_and_every_mode_has_its_row():
    text = section("Who may invoke a function")
    payloads = rows(text)
    for mode, (function, _) in recognise._MODES.items():
        folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function.name.removesuffix("Function")).lower()
        assert [first for first, payload, _ in payloads if f'"mode": "{mode}"' in payload] == [f"`{folder}`"], mode
    for kind, function in recognise._DIRECT.items():
        folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", function.name.removesuffix("Function")).lower()
        modes = {payload for first, payload, _ in payloads if first == f"`{folder}`"}
        assert modes == {f'`{{"{kind}": ..., "mode": "{mode}"}}`' for mode in reconciles._MODES[kind]}
    folders = {path.name for path in (Path(__file__).parents[2] / "functions").iterdir() if (path / "app.py").exists()}
    assert folders == {name for first, *_ in payloads for name in re.findall("`([a-z_]+)`", first)}


def test_every_tag_of_the_application_has_its_row():
    described = {tag for first, *_ in rows(section("Which tags are trusted")) for tag in re.findall("`([^`]+)`", first)}
    tags = {value for name, value in vars(ownership).items() if name.isupper()}
    assert {tag.removesuffix("<id>") for tag in described if tag.startswith("ecs-lattice:")} == tags


def test_side_permissions_are_those_of_the_named_roles(of):
    """A row's actions are in the roles that it names, and, for those that it names alone, in no other."""
    found = {folder: allowed(statements) for folder, statements in roles(of).items()}
    everybody = {
        "every function": set(found),
        "the four queue functions": {"ecs_events", "ecs_service", "lattice_service", "alarm"},
    }
    for permission, whose, *_ in rows(section("Side permissions")):
        folders = everybody.get(whose) or set(re.findall("`([a-z_]+)`", whose))
        for action in coded(permission):
            holders = {folder for folder, actions in found.items() if action in actions}
            assert folders <= holders, (action, folders)
            if action not in {"ec2:DescribeSubnets", "ec2:DescribeVpcs", "sqs:SendMessage", "sqs:ReceiveMessage"}:
                assert folders == holders, (action, folders)


def test_what_has_no_resource_form_is_so_by_the_reference(of):
    actions = {action for statements in roles(of).values() for action in allowed(statements) if ":" in action}
    (row,) = [first for first, why, _ in rows(section("What IAM cannot restrict")) if why == "no resource form"]
    patterns = [pattern.replace("*", "[A-Za-z]*") for pattern in coded(row)]
    without = {a for a in actions if any(re.fullmatch(p, a) for p in patterns)} - {"vpc-lattice:ListTargets"}
    assert len(without) > 10
    assert {action for action in without if reference.resource_types(action)} == set()


def test_what_iam_cannot_restrict_is_what_the_roles_do_on_anything(of):
    named = {action for first, *_ in rows(section("What IAM cannot restrict")) for action in coded(first)}
    named |= {
        f"vpc-lattice:{name}"
        for name in re.findall("`(Create[A-Za-z]+|ListTargets)`", section("What IAM cannot restrict"))
    }
    patterns = [pattern.replace("*", "[A-Za-z]*") for pattern in named]
    open_to_all = {
        action
        for statements in roles(of).values()
        for statement in statements
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert {a for a in open_to_all if not any(re.fullmatch(p, a) for p in patterns)} == {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


# --- the policies that the page advises


def advised(sid: str) -> list[Policy]:
    documents = [
        json.loads(text.replace("<stack name>", "ecs-lattice"))
        for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    ]
    (document,) = [d for d in documents if d["Statement"][0]["Sid"] == sid]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    return [Policy("everything", everything), Policy(sid, document)]


OURS = "arn:aws:iam::123456789012:role/ecs-lattice-LatticeServiceFunctionRole-1A2B3C"
TEAM = "arn:aws:iam::123456789012:role/team"
LATTICE_SERVICE = "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1"
RULE = "arn:aws:ec2:us-east-1:123456789012:security-group-rule/sgr-1"
GROUP = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/shop/orders"


@pytest.mark.parametrize(
    ("principal", "action", "resource", "keys", "may"),
    [
        (TEAM, "vpc-lattice:TagResource", LATTICE_SERVICE, ["ecs-lattice:holder"], False),
        (TEAM, "vpc-lattice:TagResource", LATTICE_SERVICE, ["team", "ecs-lattice:owner"], False),
        (TEAM, "vpc-lattice:UntagResource", LATTICE_SERVICE, ["ecs-lattice:owner"], False),
        (TEAM, "vpc-lattice:TagResource", LATTICE_SERVICE, ["team"], True),
        (TEAM, "ec2:CreateTags", RULE, ["ecs-lattice:owner"], False),
        (TEAM, "ec2:DeleteTags", RULE, ["ecs-lattice:ingress:1"], False),
        (TEAM, "ec2:CreateTags", GROUP, ["ecs-lattice:ingress"], True),
        (OURS, "vpc-lattice:TagResource", LATTICE_SERVICE, ["ecs-lattice:owner"], True),
        (OURS, "ec2:CreateTags", RULE, ["ecs-lattice:owner"], True),
    ],
)  # fmt: skip
def test_the_advised_policy_keeps_the_tags_to_the_stack(principal, action, resource, keys, may):
    request = Request(action, resource, {"aws:principalarn": principal, "aws:tagkeys": keys})
    assert decide(advised("TagsOfEcsLattice"), request).allowed is may


@pytest.mark.parametrize(
    ("principal", "lists", "may"),
    [(TEAM, "true", False), (TEAM, "false", True), (TEAM, None, True), (OURS, "true", True)],
)
def test_the_advised_policy_keeps_the_lists_to_the_stack(principal, lists, may):
    context = {"aws:principalarn": principal, **({"ecs:enable-vpc-lattice": lists} if lists else {})}
    for action in ("ecs:CreateService", "ecs:UpdateService"):
        assert decide(advised("ListsOfTargetGroups"), Request(action, SERVICE, context)).allowed is may


# --- what sharing allows


def test_the_more_specific_match_ranks_first_as_the_page_says():
    below = PathMatch("prefix", "/orders", True)
    other = specificity(Match(below))
    assert specificity(Match(PathMatch("prefix", "/orders/new", True))) < other
    assert specificity(Match(PathMatch("exact", "/orders", True))) < other
    assert specificity(Match(below, method="GET")) < other


def test_sharing_is_described_by_its_values(source):
    assert set(source["Parameters"]["Sharing"]["AllowedValues"]) <= set(
        re.findall("`([a-z]+)`", section("What sharing allows"))
    )
