"""What decides in these tests which event matches which rule is a matcher that agrees with AWS's own examples.

The matcher is moto's, with the local AWS's way into arrays. The rules of the template use few operators, and for those it is
held to what the Amazon EventBridge User Guide shows (comparison operators for use in event patterns; matching of null values,
arrays and complex patterns).
"""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from local_aws.delivery import rules
from tests.events.test_events import with_owner

CHECKED = {"prefix", "exists", "anything-but", "$or"}
EC2_STATE: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
}


def or_of(**detail: Any) -> dict[str, Any]:
    """The guide's complex pattern: detail matches if any branch does."""
    return {**EC2_STATE, "detail": detail}


EXAMPLES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    # Several values of a field are alternatives; several fields have to match together.
    ({"source": ["aws.ec2"]}, EC2_STATE, True),
    ({"source": ["aws.ec2", "aws.ecs"]}, EC2_STATE, True),
    ({"source": ["aws.ecs"]}, EC2_STATE, False),
    ({"source": ["aws.ec2"], "detail": {"state": ["terminated"]}}, EC2_STATE, True),
    ({"source": ["aws.ec2"], "detail": {"state": ["running"]}}, EC2_STATE, False),
    ({"source": ["AWS.EC2"]}, EC2_STATE, False),  # exact, character by character
    ({"source": ["aws.ec"]}, EC2_STATE, False),
    # A field that the event has not does not match; the pattern's null matches null alone.
    ({"detail": {"missing": ["x"]}}, EC2_STATE, False),
    ({"detail": {"state": [None]}}, EC2_STATE, False),
    ({"detail": {"state": [None]}}, {**EC2_STATE, "detail": {"state": None}}, True),
    # An array matches if any element does.
    ({"resources": EC2_STATE["resources"]}, EC2_STATE, True),
    ({"resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-0"]}, EC2_STATE, False),
    # prefix
    ({"time": [{"prefix": "2017-12-22"}]}, EC2_STATE, True),
    ({"time": [{"prefix": "2017-10-02"}]}, EC2_STATE, False),
    ({"detail": {"state": [{"prefix": "erminated"}]}}, EC2_STATE, False),
    # exists, on leaves
    ({"detail": {"state": [{"exists": True}]}}, EC2_STATE, True),
    ({"detail": {"c-count": [{"exists": True}]}}, EC2_STATE, False),
    ({"detail": {"c-count": [{"exists": False}]}}, EC2_STATE, True),
    ({"detail": {"state": [{"exists": False}]}}, EC2_STATE, False),
    # anything-but, of a value, of several, and of an ending; a field that is missing is not anything else
    ({"detail": {"state": [{"anything-but": "initializing"}]}}, EC2_STATE, True),
    ({"detail": {"state": [{"anything-but": "terminated"}]}}, EC2_STATE, False),
    ({"detail": {"state": [{"anything-but": ["stopped", "terminated"]}]}}, EC2_STATE, False),
    ({"detail": {"state": [{"anything-but": {"suffix": "ated"}}]}}, EC2_STATE, False),
    ({"detail": {"state": [{"anything-but": {"suffix": "ing"}}]}}, EC2_STATE, True),
    ({"detail": {"missing": [{"anything-but": "x"}]}}, EC2_STATE, False),
    # $or, beside fields that have to match in any case
    ({"detail": {"state": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}}, or_of(state="x", a=1, b=0), True),
    ({"detail": {"state": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}}, or_of(state="x", b=2), True),
    ({"detail": {"state": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}}, or_of(state="x", a=2, b=1), False),
    ({"detail": {"state": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}}, or_of(state="y", a=1, b=2), False),
]


@pytest.fixture(autouse=True)
def as_in_the_local_aws(monkeypatch) -> None:
    monkeypatch.setattr(EventPattern, "_flatten_dict", staticmethod(rules._flatten))


@pytest.mark.parametrize(("pattern", "event", "matches"), EXAMPLES)
def test_the_matcher_agrees_with_the_guide(pattern, event, matches):
    assert EventPattern.load(json.dumps(pattern)).matches_event(event) is matches


def operators(pattern: Any) -> set[str]:
    """The comparison operators of a pattern: what stands in an object within an array, and $or."""
    if isinstance(pattern, list):
        return {name for content in pattern if isinstance(content, dict) for name in content}
    found = {name for name in pattern if name.startswith("$")}
    branches = [branch for name in found for branch in pattern[name]]
    return found.union(*map(operators, [*branches, *(v for k, v in pattern.items() if k not in found)]))


def patterns(of) -> dict[str, dict[str, Any]]:
    found = {key: rule.get("EventPattern") for key, rule in of.type("AWS::Events::Rule").items()}
    return {key: with_owner(pattern) for key, pattern in found.items() if pattern}


def test_the_rules_use_no_other_operator(of):
    used = {key: operators(pattern) for key, pattern in patterns(of).items()}
    assert set().union(*used.values()) == CHECKED
    assert used["TaskStateRule"] == {"prefix", "$or"}


def test_the_patterns_that_the_recorded_events_are_held_to_are_those_that_are_deployed(of, source):
    rules_of_the_source = {
        k: r["Properties"] for k, r in source["Resources"].items() if r["Type"] == "AWS::Events::Rule"
    }
    assert {key: with_owner(rule["EventPattern"]) for key, rule in rules_of_the_source.items()} == patterns(of)


def test_every_rule_asks_whose_event_it_is(of):
    for key, pattern in patterns(of).items():
        assert {"source", "detail-type", "account", "region"} <= set(pattern), key
        assert (pattern["account"], pattern["region"]) == (["123456789012"], ["us-east-1"]), key
        assert len(json.dumps(pattern)) <= 2048, key  # Amazon EventBridge quotas, event pattern size


def test_a_rule_has_either_a_pattern_or_a_schedule(of):
    for key, rule in of.type("AWS::Events::Rule").items():
        assert ("EventPattern" in rule) != ("ScheduleExpression" in rule), key
