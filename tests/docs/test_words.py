"""`scripts/words.py` finds former words where people read them, and nowhere else."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "words.py"
WORDS = runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    "text",
    [
        '{"rung": []}', "it rings for a key", "a delayed bell", "Route default is not well since 12:08", "well again", "ill routes",
        "it comes and goes", "people are told of it", "somebody to tell", "hears of it", "Mends it:", "Shows it:",
        "an error that nobody foresaw", "was refused and put into the dead-letter queue", "they were given up on",
        "is not being worked off", "asks and checks the tasks", "what it was to do is tried again",
        "Every step became as it should", "are answered by chance", "not\n   well",
    ],
)  # fmt: skip
def test_every_former_word_is_found(text):
    assert list(WORDS["former_words"](text))


@pytest.mark.parametrize(
    "text", ["string", "still", "will", "label", "bring", "it shows italics", "recommended", "amend"]
)
def test_a_part_of_another_word_is_none(text):
    assert not list(WORDS["former_words"](text))


def test_a_word_is_found_on_its_line_with_what_to_write():
    (found,) = WORDS["former_words"]("one\ntwo bells\n")
    assert found == (2, "bells", "reconcile request")


def test_of_a_module_only_messages_are_read():
    source = '"""A bell."""\n\n\ndef f():\n    """Mends it."""  # rings\n    return f"{f} is ill"\n'
    found = [(line, *word) for line, part in WORDS["messages"](source) for word in WORDS["former_words"](part, line)]
    assert [one[2] for one in found] == ["ill"]


def test_every_exception_is_needed():
    root = WORDS["ROOT"]
    for name, lines in WORDS["EXCEPTIONS"].items():
        WORDS["EXCEPTIONS"][name] = None
        try:
            assert list(WORDS["in_file"](root / name)), name
        finally:
            WORDS["EXCEPTIONS"][name] = lines
        assert not list(WORDS["in_file"](root / name)), name
