"""Policies and requests go in, decisions come out: the rules and examples of the IAM User Guide."""

import fnmatch
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.iam.authorization_log import Authorization
from local_aws.iam.evaluation import Decision, Policy, PolicyError, Request, decide, mentions

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
LAMBDA = frozenset({("Service", "lambda.amazonaws.com")})


def policy(*statements, version="2012-10-17", name="p"):
    return Policy(name, json.dumps({"Version": version, "Statement": list(statements)}))


def allow(action="sqs:SendMessage", resource=QUEUE, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(**more):
    return {**allow(**more), "Effect": "Deny"}


def allows(statement, action="sqs:SendMessage", resource=QUEUE, context=None, version="2012-10-17"):
    return decide([policy(statement, version=version)], Request(action, resource, context or {})).allowed


def meets(condition, context):
    return allows(allow(Condition=condition), context=context)


def test_everything_is_denied_unless_a_statement_allows_it():
    assert decide([], Request("sqs:SendMessage", QUEUE)) == Decision(allowed=False)


def test_an_explicit_deny_wins_in_any_policy_and_is_named():
    found = decide([policy(allow()), policy(deny(Sid="Never"), name="q")], Request("sqs:SendMessage", QUEUE))
    assert found == Decision(allowed=False, explicit_deny=True, statements=(("q", "Never"),))


def test_a_decision_names_every_statement_that_allows_by_sid_or_place():
    found = decide([policy(allow(Sid="Ring"), deny(action="sqs:*", resource="other"), allow())], Request(*RING))
    assert found.statements == (("p", "Ring"), ("p", "[2]"))


RING = ("sqs:SendMessage", QUEUE)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("sqs:SendMessage", True),
        ("SQS:sendmessage", True),
        ("sqs:Send*", True),
        ("sqs:?endMessage", True),
        ("*", True),
        (["sqs:DeleteMessage", "sqs:SendMessage"], True),
        ("sqs:Send", False),
        ("sqs:Send[M]essage", False),
        ("sns:SendMessage", False),
    ],
)
def test_actions_have_wildcards_and_no_case(action, allowed):
    assert allows(allow(action)) is allowed


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (QUEUE, True),
        ("*", True),
        ("arn:aws:sqs:*:123456789012:*", True),
        ("arn:aws:sqs:us-east-1:123456789012:order?", True),
        ("arn:aws:sqs", True),
        ("arn:aws:sqs:us-west-2", False),
        ("arn:aws:sqs:us-east-1:123456789012:Orders", False),
        ("arn:aws:sqs:us-east-1:123456789012:order", False),
        ([f"{QUEUE}-not", QUEUE], True),
    ],
)
def test_resources_have_wildcards_and_case_and_may_be_cut_short(resource, allowed):
    assert allows(allow(resource=resource)) is allowed


def test_an_action_without_a_resource_form_is_allowed_by_a_star_alone():
    assert allows(allow("ecs:ListClusters", "*"), "ecs:ListClusters", "*")
    assert not allows(allow("ecs:ListClusters", "arn:aws:ecs:*:*:cluster/*"), "ecs:ListClusters", "*")


def test_what_is_not_named_is_meant_by_not_action_and_not_resource():
    statement = {"Effect": "Allow", "NotAction": ["iam:*", "sqs:Delete*"], "NotResource": f"{QUEUE}-secret"}
    assert allows(statement)
    assert not allows(statement, "iam:PassRole")
    assert not allows(statement, "sqs:DeleteQueue")
    assert not allows(statement, resource=f"{QUEUE}-secret")


DAY = "2026-11-23T12:00:00Z"
CONTEXT = {
    "ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/prod",
    "aws:requesttag/owner": "Shop",
    "aws:tagkeys": ("owner", "stage"),
    "aws:securetransport": "true",
    "aws:sourceip": "10.0.1.7",
    "aws:currenttime": DAY,
    "aws:epochtime": "1000",
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "allowed"),
    [
        ("StringEquals", "aws:RequestTag/owner", "Shop", True),
        ("StringEquals", "AWS:requesttag/OWNER", "Shop", True),
        ("StringEquals", "aws:RequestTag/owner", "shop", False),
        ("StringEquals", "aws:RequestTag/owner", ["x", "Shop"], True),
        ("StringEquals", "aws:RequestTag/owner", "Sho*", False),
        ("StringEquals", "aws:RequestTag/none", "Shop", False),
        ("StringEqualsIfExists", "aws:RequestTag/none", "Shop", True),
        ("StringEqualsIfExists", "aws:RequestTag/owner", "other", False),
        ("StringNotEquals", "aws:RequestTag/owner", ["x", "y"], True),
        ("StringNotEquals", "aws:RequestTag/owner", ["x", "Shop"], False),
        ("StringNotEquals", "aws:RequestTag/none", "Shop", True),
        ("StringEqualsIgnoreCase", "aws:RequestTag/owner", "sHOP", True),
        ("StringNotEqualsIgnoreCase", "aws:RequestTag/owner", "sHOP", False),
        ("StringLike", "aws:RequestTag/owner", "Sh?p", True),
        ("StringLike", "aws:RequestTag/owner", "[S]hop", False),
        ("StringNotLike", "aws:RequestTag/owner", "S*", False),
        ("ArnLike", "ecs:cluster", "arn:*:ecs:*:*:cluster/pr*", True),
        ("ArnEquals", "ecs:cluster", "arn:aws:ecs:us-east-1:*:cluster/prod", True),
        ("ArnLike", "ecs:cluster", "arn:aws:ecs:*:cluster/prod", False),
        ("ArnLike", "ecs:cluster", "arn:aws:ecs:*", False),
        ("ArnNotLike", "ecs:cluster", "arn:*:ecs:*:*:cluster/dev*", True),
        ("ArnNotEquals", "ecs:cluster", "arn:*:ecs:*:*:cluster/prod", False),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("Bool", "aws:MultiFactorAuthPresent", "true", False),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
        ("Null", "aws:MultiFactorAuthPresent", "true", True),
        ("Null", "aws:RequestTag/owner", "true", False),
        ("Null", "aws:RequestTag/owner", "false", True),
        ("Null", "aws:TagKeys", "false", True),
        ("NumericLessThan", "aws:EpochTime", 1001, True),
        ("NumericLessThan", "aws:EpochTime", "1000", False),
        ("NumericGreaterThanEquals", "aws:EpochTime", "1000", True),
        ("NumericEquals", "aws:EpochTime", "1000.0", True),
        ("NumericNotEquals", "aws:EpochTime", "1000", False),
        ("NumericEquals", "aws:RequestTag/owner", "1", False),
        ("DateLessThan", "aws:CurrentTime", "2026-11-23T12:00:01Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2026-11-23T12:00:00+00:00", False),
        ("DateGreaterThanEquals", "aws:CurrentTime", "2026-11-23", True),
        ("DateLessThan", "aws:EpochTime", "1970-01-02T00:00:00Z", True),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/16", True),
        ("IpAddress", "aws:SourceIp", ["192.0.2.1", "10.0.1.7/32"], True),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/16", False),
    ],
)
def test_condition_operators(operator, key, value, allowed):
    assert meets({operator: {key: value}}, CONTEXT) is allowed


@pytest.mark.parametrize(
    ("operator", "values", "keys", "met"),
    [
        ("ForAllValues:StringEquals", ["owner", "stage", "team"], ("owner", "stage"), True),
        ("ForAllValues:StringEquals", ["owner"], ("owner", "stage"), False),
        ("ForAllValues:StringEquals", ["owner"], None, True),
        ("ForAnyValue:StringEquals", ["owner"], ("owner", "stage"), True),
        ("ForAnyValue:StringEquals", ["team"], ("owner", "stage"), False),
        ("ForAnyValue:StringEquals", ["team"], None, False),
        ("ForAnyValue:StringEqualsIfExists", ["team"], None, True),
        ("ForAllValues:StringNotEquals", ["team"], ("owner", "stage"), True),
        ("ForAllValues:StringNotEquals", ["owner"], ("owner", "stage"), False),
        ("ForAnyValue:StringLike", ["st*"], ("owner", "stage"), True),
    ],
)
def test_set_operators_ask_all_or_any_of_a_requests_values(operator, values, keys, met):
    context = {} if keys is None else {"aws:tagkeys": keys}
    assert meets({operator: {"aws:TagKeys": values}}, context) is met


def test_all_operators_and_all_keys_have_to_be_met():
    condition = {
        "StringEquals": {"aws:RequestTag/owner": "Shop", "aws:RequestTag/stage": "dev"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    assert not meets(condition, CONTEXT)
    assert meets(condition, {**CONTEXT, "aws:requesttag/stage": "dev"})
    assert not meets(condition, {**CONTEXT, "aws:requesttag/stage": "dev", "aws:securetransport": "false"})


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:${aws:username}-*", True),
        ("arn:aws:sqs:us-east-1:123456789012:${aws:PrincipalTag/team, 'jo'}-*", True),
        ("arn:aws:sqs:us-east-1:123456789012:${aws:PrincipalTag/team}-*", False),
        ("arn:aws:sqs:us-east-1:123456789012:${aws:userid}-*", False),
        ("arn:aws:sqs:us-east-1:123456789012:jo${aws:PrincipalTag/team}-*", False),
        ("arn:aws:sqs:us-east-1:123456789012:jo-${*}", False),
    ],
)
def test_variables_stand_for_values_of_the_request(resource, allowed):
    context = {"aws:username": "jo", "aws:userid": "*"}
    assert allows(allow(resource=resource), resource=f"{QUEUE[:-6]}jo-1", context=context) is allowed


def test_a_star_that_a_variable_brings_is_a_star():
    statement = allow(resource="arn:aws:sqs:us-east-1:123456789012:${aws:userid}")
    assert allows(statement, resource="arn:aws:sqs:us-east-1:123456789012:*", context={"aws:userid": "*"})
    assert not allows(statement, context={"aws:userid": "*"})


def test_variables_are_words_before_the_version_of_2012():
    statement = allow(resource="arn:aws:sqs:us-east-1:123456789012:${aws:username}")
    literal = "arn:aws:sqs:us-east-1:123456789012:${aws:username}"
    assert allows(statement, resource=literal, context={"aws:username": "jo"}, version="2008-10-17")
    assert not allows(statement, resource=QUEUE, context={"aws:username": "orders"}, version="2008-10-17")


def test_variables_stand_in_conditions_too():
    condition = {"StringLike": {"aws:RequestTag/owner": "${aws:username}-*"}}
    assert meets(condition, {"aws:username": "jo", "aws:requesttag/owner": "jo-1"})
    assert not meets(condition, {"aws:username": "*", "aws:requesttag/owner": "jo-1"})
    assert not meets(condition, {"aws:requesttag/owner": "jo-1"})
    assert not meets(condition, {"aws:requesttag/owner": "-1"})


def test_a_negated_operator_on_a_variable_without_a_value_is_refused():
    condition = {"StringNotEquals": {"aws:RequestTag/owner": "${aws:username}"}}
    assert meets(condition, {"aws:username": "jo", "aws:requesttag/owner": "al"})
    with pytest.raises(PolicyError, match="has no value here"):
        meets(condition, {"aws:requesttag/owner": "al"})


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Service": "lambda.amazonaws.com"}, True),
        ({"Service": ["ecs.amazonaws.com", "lambda.amazonaws.com"]}, True),
        ({"Service": "ecs.amazonaws.com"}, False),
        ({"AWS": "123456789012"}, False),
        ("*", True),
        ({"AWS": "*"}, True),
    ],
)
def test_a_trust_policy_names_who_may_take_the_role(principal, allowed):
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    role = "arn:aws:iam::123456789012:role/r"
    assert decide([trust], Request("sts:AssumeRole", role, principals=LAMBDA)).allowed is allowed


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({**allow(), "NotPrincipal": "*"}, "NotPrincipal"),
        ({**allow(), "NotAction": "x"}, "are mutually exclusive"),
        ({**allow(), "Effect": "allow"}, "Allow or Deny"),
        ({"Effect": "Allow", "Resource": "*"}, "Action or NotAction is missing"),
        ({"Effect": "Allow", "Action": "*"}, "Resource or NotResource is missing"),
        ({**allow(), "Resources": "*"}, "no element Resources"),
        (allow(resource=[]), "Resource is"),
        (allow(Condition={"StringSounds": {"aws:RequestTag/a": "b"}}), "StringSounds"),
        (allow(Condition={"NullIfExists": {"aws:RequestTag/a": "b"}}), "NullIfExists"),
        (allow(Condition={"StringEquals": {"dynamodb:LeadingKeys": "b"}}), "condition key dynamodb:LeadingKeys"),
        (allow(Condition={"StringEquals": {"aws:TagKeys": "b"}}), "ForAllValues"),
        (allow(Principal={"Who": "x"}), "Principal is"),
    ],
)
def test_what_cannot_be_evaluated_is_said_with_policy_and_statement(statement, said):
    with pytest.raises(PolicyError, match=re.escape(said)) as raised:
        decide([policy({"Sid": "Odd", **statement}, name="mine")], Request("sqs:SendMessage", QUEUE))
    assert "Policy mine: Statement Odd" in str(raised.value)


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", '{"Version": "2020-01-01", "Statement": []}', '{"Statement": [], "X": 1}']
)
def test_what_is_no_policy_is_said(document):
    with pytest.raises(PolicyError, match="polic"):
        decide([Policy("mine", document)], Request("sqs:SendMessage", QUEUE))


def test_a_policy_may_be_one_statement_and_a_mapping():
    assert decide([Policy("p", {"Statement": allow()})], Request("sqs:SendMessage", QUEUE)).allowed


def test_mentions_looks_at_actions_alone():
    found = [policy(allow(resource="x", Condition={"Bool": {"aws:SecureTransport": "false"}}), deny(action="sns:*"))]
    assert mentions(found, "sqs:SendMessage")
    assert not mentions(found, "sns:Publish")


def test_an_entry_of_the_authorization_log_is_a_request():
    entry = Authorization("r", "f", "sqs:SendMessage", QUEUE, {}, side=False, allowed=False, statements=(), time=0.0)
    assert decide([policy(allow())], entry).allowed


def test_the_guides_example_of_tags_in_the_request_and_on_the_resource():
    """IAM User Guide, "Controlling access to AWS resources using tags"."""
    statements = [
        allow("ec2:CreateTags", "arn:aws:ec2:*:*:instance/*", Condition={
            "StringEquals": {"aws:ResourceTag/environment": "preprod"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "CostCenter"]},
        }),
        deny(action="ec2:CreateTags", resource="*", Condition={
            "StringNotEquals": {"aws:RequestTag/environment": ["preprod", "production"]},
        }),
    ]  # fmt: skip
    instance = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"
    context = {
        "aws:resourcetag/environment": "preprod",
        "aws:requesttag/environment": "production",
        "aws:tagkeys": ("environment",),
    }
    tried = lambda **change: decide(  # noqa: E731  read best on one line each below
        [policy(*statements)], Request("ec2:CreateTags", instance, {**context, **change})
    )
    assert tried().allowed
    assert tried(**{"aws:requesttag/environment": "test"}).explicit_deny
    assert not tried(**{"aws:tagkeys": ("environment", "secret")}).allowed
    assert not tried(**{"aws:resourcetag/environment": "prod"}).allowed


# An oracle that shares nothing with the evaluator: actions and resources by fnmatch, no conditions.
WORDS = st.sampled_from(["a", "b", "ab"])
ACTIONS = st.builds("{}:{}".format, WORDS, WORDS)
ACTION_PATTERNS = st.sampled_from(["*", "a:*", "b:a*", "*:b", "a:a", "?:ab"])
ARNS = st.builds("arn:aws:{}:{}:1:{}".format, WORDS, WORDS, WORDS)
ARN_PATTERNS = st.sampled_from(["*", "arn:aws:a:*", "arn:aws:*:*:1:ab", "arn:aws:b:a:1:?", "arn:aws:?:*:*:a*"])
STATEMENTS = st.builds(
    lambda effect, action, resource, negated: {
        "Effect": effect,
        "NotAction" if negated else "Action": action,
        "Resource": resource,
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.lists(ACTION_PATTERNS, min_size=1, max_size=3),
    st.lists(ARN_PATTERNS, min_size=1, max_size=3),
    st.booleans(),
)


def oracle(statements, action, resource):
    effects = set()
    for statement in statements:
        named = any(fnmatch.fnmatchcase(action, each) for each in statement.get("Action", statement.get("NotAction")))
        meant = named if "Action" in statement else not named
        if meant and any(fnmatch.fnmatchcase(resource, each) for each in statement["Resource"]):
            effects.add(statement["Effect"])
    return effects == {"Allow"}


@given(st.lists(st.lists(STATEMENTS, min_size=1, max_size=3), max_size=3), ACTIONS, ARNS)
def test_an_independent_reading_agrees(documents, action, resource):
    found = decide([policy(*statements) for statements in documents], Request(action, resource))
    assert found.allowed is oracle([s for statements in documents for s in statements], action, resource)
