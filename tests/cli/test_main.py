"""The command as a whole: verbs, global options before and after them, help, and how errors end."""

import subprocess
import sys

import click
import pytest

from ecs_lattice_cli.app import App
from ecs_lattice_cli.main import SUMMARIES, VERBS, main
from ecs_lattice_cli.options import verb
from tests.cli.conftest import invoked

HEAVY = {"boto3", "botocore", "rich", "jsonschema", "aws_lambda_powertools", "moto"}


@pytest.fixture
def probe(monkeypatch):
    """A verb `probe` that notes what it was given and does what the test says; the list of notes."""
    seen = []

    @verb("probe")
    @click.option("--do", default="")
    def command(app, do):
        """Probe."""
        seen.append(app)
        if do == "fail":
            raise RuntimeError("no such luck")
        if do == "interrupt":
            raise KeyboardInterrupt
        return int(do) if do else None

    monkeypatch.setitem(SUMMARIES, "probe", "Probe.")
    monkeypatch.setitem(sys.modules, "ecs_lattice_cli.verbs.probe", type(sys)("probe"))
    sys.modules["ecs_lattice_cli.verbs.probe"].command = command
    return seen


def options(app):
    return {name: getattr(app, name) for name in ("stack_name", "region", "profile", "endpoint_url", "as_json", "no_color",
                                                  "debug", "quiet")}  # fmt: skip


WRITTEN = [
    "--stack",
    "s",
    "--region",
    "r",
    "--profile",
    "p",
    "--endpoint-url",
    "u",
    "--json",
    "--no-color",
    "--debug",
    "-q",
]
VALUES = {"stack_name": "s", "region": "r", "profile": "p", "endpoint_url": "u"} | dict.fromkeys(
    ("as_json", "no_color", "debug", "quiet"), True
)


def test_global_options_stand_before_or_after_the_verb(probe):
    for line in ([*WRITTEN, "probe"], ["probe", *WRITTEN], [*WRITTEN[:4], "probe", *WRITTEN[4:]]):
        assert invoked(App(), *line).exit_code == 0
        assert options(probe[-1]) == VALUES


def test_without_any_there_are_defaults(probe):
    assert invoked(App(), "probe").exit_code == 0
    assert options(probe[-1]) == options(App())


def test_each_has_an_environment_variable_and_the_command_line_wins(probe):
    names = ("STACK", "REGION", "PROFILE", "ENDPOINT_URL")
    environment = {f"ECS_LATTICE_{name}": value for name, value in zip(names, "srpu", strict=True)}
    environment |= {f"ECS_LATTICE_{name}": "1" for name in ("JSON", "NO_COLOR", "DEBUG", "QUIET")}
    invoked(App(), "probe", **environment)
    assert options(probe[-1]) == VALUES
    for line in (
        ["--stack", "mine", "probe"],
        ["probe", "--stack", "mine"],
        ["--stack", "x", "probe", "--stack", "mine"],
    ):
        invoked(App(), *line, **environment)
        assert probe[-1].stack_name == "mine"


def test_the_exit_code_is_what_the_verb_returns(probe):
    assert [invoked(App(), "probe", "--do", code).exit_code for code in ("0", "1", "2", "75")] == [0, 1, 2, 75]


def test_an_unexpected_error_is_a_sentence_and_with_debug_a_trace(probe):
    done = invoked(App(), "probe", "--do", "fail")
    assert (done.exit_code, done.stdout) == (69, "")
    assert done.stderr == "Error: unexpected RuntimeError: no such luck. Run it with --debug to see where.\n"
    for line in (["probe", "--do", "fail", "--debug"], ["--debug", "probe", "--do", "fail"]):
        assert "Traceback" in invoked(App(), *line).stderr
    assert invoked(App(), "probe", "--do", "interrupt").exit_code == 130


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["lnt"], "There is no command 'lnt'; did you mean lint?"),
        (["xyz"], f"There is no command 'xyz'; there is: {', '.join(SUMMARIES)}."),
        (["lint", "--schem"], "--schema"),
        (["--stak", "x", "lint"], "--stack"),
        (["explain"], "Missing argument"),
        (["explain", "A", "B"], "unexpected extra argument"),
        (["lint", "--controller", "x"], "'x' is not one of"),
        (["--stack"], "requires an argument"),
        (["--json"], "Missing command"),
    ],
)
def test_a_wrong_line_ends_with_64_and_a_sentence(run, line, said):
    done = run(*line)
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_lists_every_verb_with_the_first_sentence_of_its_own_help(run):
    text = run("--help").stdout
    assert run().stdout == text
    assert run("-h").exit_code == run().exit_code == 0
    for heading, verbs in VERBS.items():
        assert f"{heading}:" in text
        for name, summary in verbs.items():
            assert any(line.split(maxsplit=1) == [name, summary] for line in map(str.strip, text.splitlines())), name
            command = main.get_command(click.Context(main), name)
            assert command.name == name
            assert command.get_short_help_str(200).rstrip(".") == summary.rstrip(".")
            own = run(name, "--help")
            assert own.exit_code == 0
            assert "ecs-lattice --help" in own.stdout


def test_the_version_is_that_of_the_distribution(run):
    from importlib.metadata import version

    assert run("--version").stdout == f"ecs-lattice {version('ecs-lattice-cli')}\n"


@pytest.mark.parametrize(
    "line", [["--help"], ["lint", "--help"], ["explain", "MATCH_TAKEN"], ["lint", "--schema"], ["--version"]]
)
def test_help_and_what_needs_no_aws_import_nothing_heavy(line):
    """In a process of its own: what is imported is what a person waits for."""
    code = (
        "import sys, ecs_lattice_cli.main as m\n"
        "try: m.main(sys.argv[1:])\n"
        "except SystemExit as e: print(*sorted({n.partition('.')[0] for n in sys.modules}), file=sys.stderr); raise"
    )
    done = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) & HEAVY == set()


def test_the_help_imports_no_verb():
    code = "import sys, ecs_lattice_cli.main\nprint(*(n for n in sys.modules if n.startswith(('ecs_lattice.', 'ecs_lattice_cli.verbs'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_python_m_is_the_console_script():
    done = subprocess.run([sys.executable, "-m", "ecs_lattice_cli", "lnt"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
