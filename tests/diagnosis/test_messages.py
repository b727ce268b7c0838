"""The messages are those that were recorded and read, they fit their channels, and their commands are valid."""

import dataclasses
import json
import re
import shlex

import botocore.session
import jmespath
import pytest
from botocore import xform_name
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_lattice.diagnosis import message, route_messages, stack_messages
from ecs_lattice.diagnosis.causes import diagnose
from ecs_lattice.diagnosis.findings import Command, duration
from ecs_lattice.diagnosis.message import Message, Section
from ecs_lattice.diagnosis.subjects import StackSubject
from tests.diagnosis import recorded
from tests.diagnosis.making import CASES, a_service, evidence, unhealthy

MESSAGES = recorded.messages()
COMMANDS = sorted({str(c) for said in MESSAGES.values() for section in said.sections for c in section.commands})
_GLOBAL = {"region", "query", "output"}


@pytest.mark.parametrize("name", sorted(recorded.files()))
def test_a_message_is_as_it_was_recorded(name):
    path = recorded.FOLDER / name
    assert path.read_text() == recorded.files()[name], "read the difference, then: python -m tests.diagnosis.recorded"


def test_no_record_is_left_of_a_message_that_no_longer_exists():
    assert {path.name for path in recorded.FOLDER.iterdir()} == set(recorded.files())


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_the_first_line_says_what_and_since_when_and_no_line_but_a_command_is_wider_than_a_mail(name):
    lines = message.text(MESSAGES[name]).splitlines()
    assert re.search(r"since \d{4}-\d\d-\d\d|after \d+ (minute|hour)", " ".join(lines[:3]))
    wide = [line for line in lines if len(line) > message.WIDTH and not line.startswith("     ")]
    assert [line for line in wide if " " in line.strip()] == []


def test_a_subject_says_that_a_cause_is_only_possible():
    seen = unhealthy()
    found = diagnose(seen)
    assert found[0].likelihood == "possible"
    said = route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), seen, found)
    assert said.mail_subject == f"ALARM orders/default (shop/orders): possibly {found[0].title}"
    certain = CASES["PREFIX_LIST_RULE_MISSING"]
    said = route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), certain, diagnose(certain))
    assert "possibly" not in said.mail_subject


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_an_operation_of_aws_with_options_that_it_has(command):
    if command.startswith(("aws logs tail", "aws ecs execute-command")):
        assert "$(" not in command or command.startswith('aws logs tail "$(aws lambda get-function-configuration ')
        return
    words = shlex.split(command)
    assert words[0] == "aws"
    client = botocore.session.Session().create_client(
        words[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    operation = client.meta.method_to_api_mapping[words[2].replace("-", "_")]
    members = client.meta.service_model.operation_model(operation).input_shape.members
    options = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert options - _GLOBAL <= {xform_name(member, "-") for member in members}
    assert "us-east-1" in words


def test_a_command_over_several_lines_is_the_same_command():
    for said in MESSAGES.values():
        for section in said.sections:
            for command in section.commands:
                joined = "\n".join(command.lines(40)).replace("\\\n", " ")
                assert shlex.split(joined) == shlex.split(str(command))


TEXT = st.text(max_size=400)


@settings(deadline=None, max_examples=50)
@given(TEXT, TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=40), st.lists(TEXT, max_size=3), st.integers(1, 2000))
def test_whatever_a_message_contains_fits_its_channel(subject, headline, facts, words, times):
    commands = (Command("shows", ("aws", *words)),)
    said = Message(
        subject,
        headline,
        "t" * 20,
        "alarm",
        tuple(facts),
        (Section("s", ("x " * times,) * 40, commands),) * 3,
        tuple(words),
        tuple(words),
    )
    assert len(said.mail_subject) <= 100
    assert said.mail_subject.isascii()
    assert said.mail_subject.isprintable()
    text, chat = message.text(said), message.chat(said)
    assert len(json.dumps({"default": text, "email": text, "https": chat}).encode()) <= 262_144
    content = json.loads(chat)["content"]
    assert len(content["description"]) <= 8000
    assert len(content["title"]) <= 250
    assert all(len(step) <= 350 for step in content["nextSteps"])
    assert all(0 < len(word) <= 75 for word in content["keywords"])


def test_a_chat_gets_the_schema_of_amazon_q_developer_and_all_messages_of_an_incident_in_one_thread():
    incident = recorded.an_incident(recovered_at=recorded.NOW)
    first = route_messages.alarm_message(
        incident, recorded.an_alarm(), CASES["PORT_NOT_OPEN"], diagnose(CASES["PORT_NOT_OPEN"])
    )
    last = route_messages.recovery_message(incident, recorded.SUBJECT)
    begun, ended = (json.loads(message.chat(said)) for said in (first, last))
    assert (begun["version"], begun["source"]) == ("1.0", "custom")
    assert begun["metadata"]["threadId"] == ended["metadata"]["threadId"]
    assert begun["id"] != ended["id"]
    assert begun["content"]["nextSteps"][0].startswith("To fix: `aws ec2 authorize-security-group-ingress")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 minute"),
        (725, "12 minutes"),
        (3600, "1 hour"),
        (3720, "1 hour 2 minutes"),
        (86400 + 60, "1 day"),
        (2 * 86400 + 3 * 3600 + 59, "2 days 3 hours"),
    ],
)
def test_lengths_of_time_in_words(seconds, words):
    assert duration(seconds) == words


def test_causes_beyond_the_fourth_are_named_in_a_line():
    findings = tuple(
        dataclasses.replace(finding, code=code)
        for finding in diagnose(CASES["PORT_NOT_OPEN"])
        for code in ("A", "B", "C", "D", "E", "F")
    )
    said = route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), evidence(), findings)
    assert "Also certain E, certain F." in message.text(said)


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (1, "2 desired, 1 running (orders:7"),
        (2, "2 desired, 2 running ("),
        (3, "2 desired, 3 running while ECS replaces tasks ("),
    ],
)
def test_more_tasks_than_are_desired_are_explained(running, words):
    seen = evidence(service=a_service(running=running))
    assert words in " ".join(
        message.text(route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), seen, ())).split()
    )


def test_a_command_of_the_status_that_no_cause_repeats_stays():
    seen = dataclasses.replace(recorded.left_closed(), security=None)
    said = message.text(route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), seen, diagnose(seen)))
    assert "To fix: aws ec2 authorize-security-group-ingress" in " ".join(said.split())


def test_a_flapping_part_of_the_stack_is_reported_with_its_count():
    incident = dataclasses.replace(recorded.an_incident(), occurrences=4)
    subject = StackSubject("errors", "ecs-lattice-EcsServiceFunction-X")
    said = stack_messages.alarm_message(incident, recorded.an_alarm(), subject, None)
    assert said.headline.endswith("since 2026-11-23 06:44 UTC, 4 times with interruptions.")


def test_the_command_that_finds_the_probe_finds_that_of_this_stack_only():
    (command,) = MESSAGES["stack-probe"].sections[-1].commands
    query = command.words[command.words.index("--query") + 1]
    functions = [
        {
            "FunctionName": f"{stack}-{name}-X",
            "Environment": {"Variables": {"OWNER": stack}},
            "LoggingConfig": {"LogGroup": f"/{stack}/{name}"},
        }
        for stack in ("ecs-lattice", "other")
        for name in ("TargetHealthFunction", "AlarmFunction")
    ]
    found = jmespath.search(query, {"Functions": [*functions, {"FunctionName": "theirs", "LoggingConfig": {}}]})
    assert found == [["ecs-lattice-TargetHealthFunction-X", "/ecs-lattice/TargetHealthFunction"]]
