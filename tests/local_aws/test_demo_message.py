"""What the demo reads from a message: its first cause, the command that fixes it, and the part that it shows."""

from pathlib import Path

import pytest

from local_aws.demo import unhealthy

RECORDED = Path(__file__).parents[1] / "diagnosis" / "messages"


def recorded(name: str) -> str:
    """A recorded mail without its subject."""
    return (RECORDED / f"{name}.txt").read_text().split("\n\n", 1)[1]


@pytest.mark.parametrize("code", ["PREFIX_LIST_RULE_MISSING", "PORT_NOT_OPEN", "HEALTH_CODE", "OTHER_VPC"])
def test_the_first_cause_of_a_message_is_found(code):
    assert unhealthy.first_cause(recorded(code)) == code


def test_a_recovery_names_no_cause_and_no_command():
    assert (unhealthy.first_cause(recorded("recovery")), unhealthy.first_command(recorded("recovery"))) == ("", "")


def test_the_command_is_whole_and_ends_where_it_ends():
    command = unhealthy.first_command(recorded("PREFIX_LIST_RULE_MISSING"))
    assert command.startswith("aws ec2 authorize-security-group-ingress \\\n--group-id sg-0123456789abcdef0 \\\n")
    assert command.endswith("--region us-east-1")


def test_a_shortened_message_ends_with_its_first_cause_and_loses_nothing_of_it():
    body = recorded("PREFIX_LIST_RULE_MISSING")
    lines = unhealthy.shortened(body, 92)
    assert max(map(len, lines)) <= 92
    assert lines[-1] == "…"
    assert "docs/troubleshooting.md" not in "".join(lines)
    assert "".join(lines[:-2]) == body.split("\ndocs/", 1)[0].rstrip().replace("\n", "")


def test_a_message_that_fits_is_shown_as_it_is():
    assert unhealthy.shortened("One.\n\n   Two.\n", 92) == ["One.", "", "   Two."]
