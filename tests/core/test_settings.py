"""The environment of a function, read once."""

import pytest

from ecs_lattice import settings
from ecs_lattice.errors import SettingsError

NEEDED = {
    "OWNER": "ecs-lattice",
    "TABLE": "table",
    "ECS_EVENTS_QUEUE": "https://queue/1",
    "ECS_SERVICES_QUEUE": "https://queue/2",
    "LATTICE_SERVICES_QUEUE": "https://queue/3",
    "DEAD_LETTER_QUEUE": "https://queue/4",
    "ALARMS_QUEUE": "https://queue/5",
    "NOTIFY_TOPIC": "arn:aws:sns:us-east-1:123456789012:topic",
}


def test_all_missing_variables_are_named_in_one_sentence():
    with pytest.raises(SettingsError) as raised:
        settings.read({"OWNER": "me"})
    lacking = ", ".join(name for name in NEEDED if name != "OWNER")
    assert str(raised.value) == (f"The environment of the function lacks {lacking}; template.yaml sets it, in Globals.")


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("text", [None, "", " "])
def test_each_variable_without_a_default_is_needed_and_empty_is_missing(name, text):
    environment = {other: value for other, value in NEEDED.items() if other != name}
    with pytest.raises(SettingsError, match=f"lacks {name};"):
        settings.read(environment if text is None else {**environment, name: text})


def test_what_is_missing_and_what_is_wrong_is_one_sentence():
    with pytest.raises(SettingsError) as raised:
        settings.read({**NEEDED, "OWNER": "", "SHARING": "everybody"})
    assert str(raised.value) == (
        "The environment of the function lacks OWNER and has values that are not allowed: "
        "SHARING='everybody' (one of none, cluster, account); template.yaml sets it, in Globals."
    )


def test_every_wrong_variable_is_named_with_its_value_and_what_is_allowed():
    with pytest.raises(SettingsError) as raised:
        settings.read({**NEEDED, "SHARING": "everybody", "MAX_ATTACHING": "many", "ALLOW_TAGS": "yes"})
    for part in (
        "SHARING='everybody' (one of none, cluster, account)",
        "MAX_ATTACHING='many'",
        "ALLOW_TAGS='yes' (true or false)",
    ):
        assert part in str(raised.value)


def test_values_are_parsed_by_the_type_of_their_field():
    read = settings.read(
        {**NEEDED, "CLUSTERS": "prod-* edge", "GRACE_MINUTES": "2.5", "ALLOW_TAGS": "false", "MAX_REMOVALS": "7"}
    )
    assert read.clusters == ("prod-*", "edge")
    assert read.grace_seconds == 150
    assert read.allow_tags is False
    assert read.max_removals == 7
    assert read.sharing == "cluster"


def test_the_environment_of_the_process_is_the_default(monkeypatch):
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    assert settings.read().table == "table"
