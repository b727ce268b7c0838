"""Text: columns, colors, times and what may not reach a terminal."""

import pytest

from ecs_lattice_cli import output
from ecs_lattice_cli.nearest import nearest, suggestion


@pytest.fixture
def terminal(monkeypatch):
    """stdout is a terminal of 80 columns."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_columns_line_up_under_their_heads_whether_words_have_colors_or_not():
    rows = [("orders", output.word("Live"), ""), ("catalog", output.word("Refused"), "MATCH_TAKEN")]
    lines = output.table(("ROUTE", "STATE", "CODE"), rows)
    assert [output._STYLE.sub("", line) for line in lines] == [
        "ROUTE    STATE    CODE",
        "orders   Live",
        "catalog  Refused  MATCH_TAKEN",
    ]
    assert "\x1b[32mLive" in lines[1]
    assert output.word("other") == "other"


@pytest.mark.parametrize("columns", [80, 100])
def test_the_last_column_is_wrapped_under_itself(columns):
    lines = output.table(("ROUTE", "MESSAGE"), [("orders", "word " * 60)], columns)
    assert len(lines) > 3
    assert all(len(line) <= columns for line in lines)
    assert all(line.startswith("        ") for line in lines[2:])
    assert " ".join(" ".join(lines[1:]).split()) == f"orders {'word ' * 60}".strip()


def test_an_arn_is_not_broken():
    arn = f"arn:aws:ecs:us-east-1:123456789012:service/{'c' * 60}/{'s' * 60}"
    assert f"  {arn}" in output.wrapped(f"The service {arn} is gone.", 80, "  ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (41, "41 s"),
        (59.6, "1 min"),
        (180, "3 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 3 + 14400, "3 d 4 h"),
    ],
)
def test_a_length_of_time_is_for_people(seconds, text):
    assert output.span(seconds) == text


def test_a_moment_is_in_utc():
    assert output.moment(1764300000.4) == "2025-11-28T03:20:00Z"


def test_a_terminal_has_its_width_and_colors_unless_they_are_unwanted(terminal, monkeypatch):
    assert output.width() == 80
    assert output.wants_color(is_off=False)
    assert not output.wants_color(is_off=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.wants_color(is_off=False)
    monkeypatch.setenv("NO_COLOR", "")
    assert output.wants_color(is_off=False)


def test_where_stdout_is_no_terminal_there_are_100_columns_and_no_colors(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert output.width() == 100
    assert not output.wants_color(is_off=False)


@pytest.mark.parametrize("color", [True, False])
def test_colors_are_printed_or_removed_and_other_control_is_written_out(capsys, color):
    output.write(f"{output.word('Live')} \x1b[2J\x07\u202e\x85 tab\t", color=color)
    printed = capsys.readouterr().out
    assert printed.endswith(r" \x1b[2J\x07\u202e\x85 tab" + "\t\n")
    assert printed.startswith("\x1b[32mLive\x1b[0m" if color else "Live")


def test_talk_has_a_line_for_each_and_no_control(capsys):
    output.talk("one\ntwo \x1b[31m")
    assert capsys.readouterr().err == "one\ntwo \\x1b[31m\n"


def test_the_nearest_name_is_found_without_case_and_nothing_is_near_to_nothing():
    assert nearest("LNT", ["lint", "explain"]) == "lint"
    assert nearest("x", []) is None
    assert suggestion("lnt", ["lint"]) == "did you mean lint?"
    assert suggestion("zzz", ["b", "a", "a"]) == "there is: a, b."
    assert suggestion("zzz", []) == ""
