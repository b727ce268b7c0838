"""Exceptions from checkov: each has a reason, and the reason is true."""

import re

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.template import promises
from tests.template.translation import ROOT

TEMPLATES = ["template.yaml", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("examples/*/template.yaml"))]


def exceptions(name: str) -> dict[str, dict[str, str]]:
    """By resource: the check and the reason."""
    resources = yaml_parse((ROOT / name).read_text())["Resources"]
    found = {key: r.get("Metadata", {}).get("checkov", {}).get("skip", []) for key, r in resources.items()}
    return {key: {skip["id"]: skip["comment"] for skip in skips} for key, skips in found.items() if skips}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_exception_names_a_check_and_says_why(name):
    for key, skips in exceptions(name).items():
        for check, reason in skips.items():
            assert re.fullmatch(r"CKV2?_AWS_\d+", check), key
            assert len(reason) > 60, (key, check)
            assert reason.rstrip().endswith("."), (key, check)


def test_a_function_without_a_dead_letter_queue_of_its_own_is_one_of_four_kinds(translated, of):
    """One that reads a queue with a dead-letter queue; one with a destination; the one whose silence fires an
    alarm; the one that answers whoever invokes it."""
    reading, configured = promises.reading(translated), {}
    for config in of.type("AWS::Lambda::EventInvokeConfig").values():
        configured[of.target(config["FunctionName"])] = config.get("DestinationConfig", {}).get("OnFailure")
    for key in of.type("AWS::Lambda::Function"):
        reason = exceptions("template.yaml")[key]["CKV_AWS_116"]
        if "Its queue has" in reason:
            assert key in reading
        elif "EventInvokeConfig" in reason:
            assert configured[key]
        elif "Whoever asks" in reason:
            assert key in promises.ANSWERS_WHO_ASKS
        else:
            assert "ProbeSilentAlarm" in reason
            assert key in promises.WATCHED_BY_AN_ALARM


def test_no_function_holds_concurrency_back_from_the_others_and_none_is_in_a_vpc(of):
    for key, function in of.type("AWS::Lambda::Function").items():
        assert not {"ReservedConcurrentExecutions", "VpcConfig", "KmsKeyArn"} & set(function), key
        assert {"CKV_AWS_115", "CKV_AWS_117", "CKV_AWS_173"} < set(exceptions("template.yaml")[key])


def test_what_the_exceptions_call_encrypted_is(of):
    excepted = exceptions("template.yaml")
    for key, queue in of.type("AWS::SQS::Queue").items():
        assert ("CKV_AWS_27" in excepted[key]) == (queue.get("SqsManagedSseEnabled") is True), key
    for key, table in of.type("AWS::DynamoDB::Table").items():
        assert ("CKV_AWS_119" in excepted[key]) == table["SSESpecification"]["SSEEnabled"], key
