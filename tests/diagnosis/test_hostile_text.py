"""What tenants write stays text: in chats no mention, no link, no code; in mails no hidden character; in commands one word."""

import dataclasses
import json
import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.diagnosis import message, refusal_messages, route_messages, stack_messages
from ecs_lattice.diagnosis.causes import commands, diagnose
from ecs_lattice.diagnosis.chat_text import escaped
from ecs_lattice.diagnosis.findings import Command, aws
from ecs_lattice.diagnosis.message import Message, Section
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.refusals import Refusal, Refusals, Report, Reported
from ecs_lattice.diagnosis.subjects import RouteSubject, StackSubject
from ecs_lattice.facts import Container, ContainerDefinition, EcsService, Task
from ecs_lattice.graph import Group, Target
from ecs_lattice.health.metric_names import STACK_ALARMS
from ecs_lattice.model import HealthCheck
from tests.diagnosis import recorded
from tests.diagnosis.making import CASES, NOW, SERVICE

BAD = "<!channel> <@U0> <http://e.org|AWS> [AWS](http://e.org) @here #all ```\n```\nrun: `rm -rf /` ```\u202e\x1b[2J; $(reboot) & mailto:a@e.org www.e.org 'x' \"y\""
FIELDS = {
    Task: ("stopped_reason",),
    Container: ("reason",),
    ContainerDefinition: ("name", "log_group"),
    EcsService: (),
    Target: ("reason",),
    Group: ("name",),
    HealthCheck: ("path",),
}
"""What comes from tenants, by the value that has it."""


def poisoned(value):
    """The value with hostile text in everything that a tenant writes, at any depth."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(poisoned(item) for item in value)
    if not dataclasses.is_dataclass(value):
        return value
    changes = {
        field.name: poisoned(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if field.init and field.name != "subject"
    }
    changes |= {name: f"{getattr(value, name)} {BAD}" for name in FIELDS.get(type(value), ())}
    if isinstance(value, EcsService):
        changes["messages"] = tuple(f"{text} {BAD}" for text in value.messages)
    return dataclasses.replace(value, **changes)


def of_route(evidence):
    seen = poisoned(evidence)
    status = seen.status and dataclasses.replace(
        seen.status, code="CODE", message=BAD, command=f"aws {shlex.quote(BAD)}"
    )
    seen = dataclasses.replace(seen, status=status)
    return route_messages.alarm_message(recorded.an_incident(), recorded.an_alarm(), seen, diagnose(seen))


def of_refusals():
    present = tuple(Reported(Refusal("orders", f"r{n}", "Refused", "CODE"), NOW) for n in range(2))
    found = refusal_messages.Findings({one.refusal: BAD for one in present}, {}, exists=True)
    return refusal_messages.refused(Report(Refusals(SERVICE.arn), present, present, 1), found, BAD, NOW)


def of_the_stack(part):
    sample = DeadLetterSample("https://sqs/q", (DeadLetter((("reason", BAD),), BAD),))
    alarm = recorded.an_alarm(dimensions=(("Owner", BAD),))
    return stack_messages.alarm_message(recorded.an_incident(), alarm, StackSubject(part, BAD), sample, "")


MESSAGES = {
    **{name: of_route(evidence) for name, evidence in CASES.items()},
    "refusals": of_refusals(),
    **{part: of_the_stack(part) for part in ("probe", "errors", "throttles", "deadLetters", "queueAge", "other")},
    "recovery": route_messages.recovery_message(
        recorded.an_incident(recovered_at=NOW, cause=BAD), RouteSubject(BAD, SERVICE, BAD)
    ),
}


def texts_of(said: Message):
    """Every text of the chat's message, without its code; fences and spans are closed where we close them."""
    chat = json.loads(message.chat(said))
    content, metadata = chat["content"], chat["metadata"]
    description = content["description"]
    whole, cut = (description, "") if not description.endswith("...") else description.rsplit("\n", 1)
    parts = whole.split("```")
    texts = [content["title"], *parts[::2], *content["keywords"], metadata["summary"], *metadata["relatedResources"]]
    return texts + [part for step in content["nextSteps"] for part in step.split("`")[::2]], parts[1::2], cut


def assert_is_text(text):
    assert not re.search(r"<|>|`|@\w|#\w|\]\(|://|www\.|mailto:", text), text
    assert text == text.replace("\u202e", "").replace("\x1b", "")


@pytest.mark.parametrize("name", MESSAGES)
def test_in_a_chat_nothing_that_a_tenant_writes_is_more_than_text(name):
    texts, codes, _ = texts_of(MESSAGES[name])
    for text in texts:
        assert_is_text(text)
    for code in codes:
        assert code.startswith("\naws ")
        assert "<" not in code
        assert code.strip("\n").isprintable()


@pytest.mark.parametrize("name", MESSAGES)
def test_in_a_mail_nothing_is_hidden_and_no_line_is_forged(name):
    said = MESSAGES[name]
    text = message.text(said)
    assert all(line.isprintable() or line == "" for line in text.split("\n"))
    assert not re.search(r"(?m)^run:", text)
    assert said.mail_subject.isprintable()


@pytest.mark.parametrize("name", MESSAGES)
def test_in_a_command_a_value_is_one_word(name):
    for section in MESSAGES[name].sections:
        for command in filter(lambda found: found.is_printable and not found.raw, section.commands):
            assert tuple(shlex.split(str(command))) == command.words
            assert command.words[0] == "aws"


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&`@#![]():/|w.\n"), max_size=60))
def test_escaped_text_is_text(text):
    assert_is_text(escaped(text))


def test_what_is_not_a_region_enters_no_command():
    assert str(aws("x", "us-gov-east-1", "ec2 describe-vpcs")) == "aws ec2 describe-vpcs --region us-gov-east-1"
    for region in ("", "us-east-1; reboot", "$(reboot)", "us-east-1\nreboot", "--profile=x"):
        assert str(aws("x", region, "ec2 describe-vpcs")) == "aws ec2 describe-vpcs"


def test_a_command_with_a_line_break_or_a_hidden_character_is_left_out():
    for value in ("a\nrun: x", "a\u202eb", "\x1b[2J"):
        said = Message(
            "s", "h", "t", "alarm", sections=(Section("title", commands=(Command("To fix", ("aws", value)),)),)
        )
        assert "To fix" not in message.text(said)
        assert "To fix" not in message.chat(said)


def test_a_command_that_would_end_its_code_in_a_chat_is_in_the_mail_only():
    said = Message(
        "s", "h", "t", "alarm", sections=(Section("title", commands=(Command("To fix", ("aws", "a```b")),)),)
    )
    assert "aws 'a```b'" in message.text(said)
    description = json.loads(message.chat(said))["content"]["description"]
    assert "To fix: the mail has the command" in description
    assert "`" not in description


def test_a_log_group_that_is_an_option_enters_no_command():
    for group in ("--endpoint-url=http://e.org", "a b", "$(x)"):
        definition = dataclasses.replace(CASES["NOT_LISTENING"].container, log_group=group)
        task = dataclasses.replace(CASES["NOT_LISTENING"].task_definition, containers=(definition,))
        assert commands.log(dataclasses.replace(CASES["NOT_LISTENING"], task_definition=task)) == ()


def test_a_path_cannot_add_a_tag():
    tag = commands.tag_service(CASES["HEALTH_CODE"], "To fix", "health.path", "/a,key=lattice.auth,value=none")
    assert json.loads(tag.words[tag.words.index("--tags") + 1]) == [
        {"key": "lattice.health.path", "value": "/a,key=lattice.auth,value=none"}
    ]


def test_the_alarms_of_the_stack_are_those_of_the_template():
    text = (recorded.FOLDER.parents[2] / "template.yaml").read_text()
    assert (
        set(re.findall(r'AlarmName: !Join \["/", \[ecs-lattice, \*owner, stack, ([a-z-]+)\]\]', text)) == STACK_ALARMS
    )
