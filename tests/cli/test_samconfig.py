"""parameter_overrides: read as the SAM CLI reads it, and edited in its own form without a change of the rest."""

import re
import tomllib
from contextlib import nullcontext, suppress

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samcli.cli.types import CfnParameterOverridesType

from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.install import overrides, samconfig

NAMES = st.sampled_from(["A", "Clusters", "NotifyEmail", "NetworkVpc1"])
PLAIN = st.text("abc019@:/_.,*?+-='", min_size=1, max_size=12)
QUOTED = st.builds(lambda text: f'"{text}"', st.text("abc =,'*", max_size=12))
VALUES = PLAIN.filter(lambda value: value[0] != "'") | QUOTED
SHORT = st.builds("{}={}".format, NAMES, VALUES)
LONG = st.builds("ParameterKey={},ParameterValue={}".format, NAMES, VALUES)
STRINGS = st.lists(SHORT, max_size=4).map(" ".join) | st.lists(LONG, min_size=1, max_size=4).map(" ".join)
TABLES = st.dictionaries(NAMES, st.text("abc ,*", max_size=8) | st.booleans() | st.integers(0, 99))
FORMS = STRINGS | st.lists(STRINGS.filter(bool), max_size=3) | TABLES
CHANGES = st.dictionaries(NAMES | st.just("New"), st.text("abc019@:/_.,*?+- '\"", max_size=12), max_size=3)


def sam(written):
    """Parameters by name, as the SAM CLI passes them to CloudFormation."""
    return CfnParameterOverridesType().convert(written, None, None) if written else {}


@given(FORMS)
def test_it_is_read_as_the_sam_cli_reads_it(written):
    assert overrides.parsed(written) == sam(written)


@given(FORMS, CHANGES)
def test_after_an_edit_the_sam_cli_reads_the_changes_and_everything_else_as_before(written, changes):
    has_quotes = any(set(value) & set("'\"") for value in changes.values())
    with suppress(CommandError) if has_quotes else nullcontext():  # what SAM would read differently is refused
        edited = overrides.edited(written, changes)
        assert isinstance(edited, type(written))
        assert sam(edited) == {**sam(written), **changes}


@given(FORMS)
def test_an_edit_of_nothing_changes_nothing(written):
    assert overrides.edited(written, {}) == written


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("LogLevel=DEBUG A=1", "LogLevel=DEBUG A=2 B=x"),
        ("  LogLevel=DEBUG   A='1'", "LogLevel=DEBUG   A=2 B=x"),
        ("ParameterKey=A,ParameterValue=1", "ParameterKey=A,ParameterValue=2 ParameterKey=B,ParameterValue=x"),
        ("", "A=2 B=x"),
        (["LogLevel=DEBUG A=1", "C=3"], ["LogLevel=DEBUG A=2", "C=3", "B=x"]),
        ({"A": "1", "C": True}, {"A": "2", "C": True, "B": "x"}),
    ],
)
def test_the_form_stays(written, expected):
    assert overrides.edited(written, {"A": "2", "B": "x"}) == expected


@pytest.mark.parametrize(
    "written", ["file://parameters.yaml", ["A=1", "file://parameters.yaml"], {"$include": "a.yaml"}, [["A=1"]], 3]
)
def test_what_refers_to_other_files_is_refused(written):
    with pytest.raises(CommandError, match="is not edited here|form that is not edited here"):
        overrides.edited(written, {"A": "2"})


LIST = """# Who may change this: platform.
version = 0.1

[dev.deploy.parameters] # of dev
parameter_overrides = [
    "LogLevel=DEBUG", # chatty
    "Clusters=shop",
]
tags = "a=b"

[prod.deploy.parameters]
tags = "c=d"
"""
TABLE = LIST.replace(
    '[\n    "LogLevel=DEBUG", # chatty\n    "Clusters=shop",\n]', '{ LogLevel = "DEBUG", Clusters = "shop" }'
)
SUBTABLE = """[dev.deploy.parameters]
tags = "a=b"

[dev.deploy.parameters.parameter_overrides]
LogLevel = "DEBUG" # chatty
Clusters = "shop"

[prod.deploy.parameters]
tags = "c=d"
"""
GLOBAL = '[dev.global.parameters]\nparameter_overrides = "LogLevel=DEBUG Clusters=shop" # all\n'


@pytest.mark.parametrize("text", [LIST, TABLE, SUBTABLE, GLOBAL], ids=["list", "table", "subtable", "global"])
def test_each_form_keeps_its_comments_and_its_place(tmp_path, text):
    (tmp_path / "samconfig.toml").write_text(text)
    config = samconfig.read(tmp_path)
    assert config.overrides("dev") == {"LogLevel": "DEBUG", "Clusters": "shop"}
    new = config.edited("dev", {"Clusters": "batch", "NotifyEmail": "a@example.com"}, {})
    (tmp_path / "samconfig.toml").write_text(new)
    changed = {"LogLevel": "DEBUG", "Clusters": "batch", "NotifyEmail": "a@example.com"}
    assert samconfig.read(tmp_path).overrides("dev") == changed
    section = tomllib.loads(new)["dev"]
    assert sam(section["global" if text is GLOBAL else "deploy"]["parameters"]["parameter_overrides"]) == changed
    assert re.findall(r"#.*", new) == re.findall(r"#.*", text)
    assert tomllib.loads(new).get("prod") == tomllib.loads(text).get("prod")


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("[dev.deploy.parameters]\n", {"capabilities", "resolve_s3"}),
        ('[dev.deploy.parameters]\ns3_bucket = "b"\n', {"capabilities"}),
        ('[dev.global.parameters]\ns3_bucket = "b"\ncapabilities = "CAPABILITY_NAMED_IAM"\n', set()),
        ("[dev.global.parameters]\nresolve_s3 = false\n", {"capabilities"}),
    ],
)
def test_what_sam_deploy_needs_is_added_where_it_is_missing(tmp_path, text, added):
    (tmp_path / "samconfig.toml").write_text(text)
    new = samconfig.read(tmp_path).edited("dev", {}, {"stack_name": "ecs-lattice"})
    before, after = (tomllib.loads(each)["dev"] for each in (text, new))
    keys = {command: set(section["parameters"]) for command, section in after.items()}
    assert keys.get("deploy", set()) - set(before.get("deploy", {}).get("parameters", {})) == added
    assert keys["global"] >= set(before.get("global", {}).get("parameters", {})) | {"stack_name"}
    assert "parameter_overrides" not in keys.get("deploy", set())


@pytest.mark.parametrize(
    "text",
    [
        'dev.deploy.parameters.parameter_overrides = "A=1"\ndev.deploy.parameters.tags = "x"\n',
        'dev = { deploy = { parameters = { parameter_overrides = "A=1" } } }\n',
        "[dev]\ndeploy = 3\n",
    ],
)
def test_a_form_whose_edit_would_say_something_else_is_refused(tmp_path, text):
    (tmp_path / "samconfig.toml").write_text(text)
    with pytest.raises(CommandError, match=re.escape("Write it as tables: [dev.deploy.parameters]")):
        samconfig.read(tmp_path).edited("dev", {"A": "2"}, {"region": "eu-west-1"})


def test_tables_in_any_order_are_edited_in_their_places(tmp_path):
    text = '[dev.build.parameters]\na = 1\n\n[prod.build.parameters]\nb = 2 # x\n\n[dev.deploy.parameters]\nparameter_overrides = "A=1" # c\n'
    (tmp_path / "samconfig.toml").write_text(text)
    new = samconfig.read(tmp_path).edited("dev", {"A": "2"}, {"region": "eu-west-1"})
    assert 'parameter_overrides = "A=2" # c\n' in new
    found = tomllib.loads(new)
    assert found["prod"] == {"build": {"parameters": {"b": 2}}}
    assert found["dev"]["global"]["parameters"] == {"region": "eu-west-1"}


def test_a_value_that_the_sam_cli_would_read_differently_is_refused():
    with pytest.raises(CommandError, match="cannot hold"):
        overrides.edited("A=1", {"A": "b\\' c"})
    with pytest.raises(click.ClickException):
        sam("no pairs")
