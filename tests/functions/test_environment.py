"""A function whose environment lacks something: it says so when it starts, and every invocation fails with that sentence."""

import importlib
import json
import traceback

import pytest

from ecs_lattice import function_handler
from ecs_lattice.errors import SettingsError
from ecs_lattice.telemetry import logger
from tests.functions.conftest import forget, recorded

RIGHT = {
    "alarm": "alarm/route-alarm",
    "ecs_events": "sqs/ecs-events",
    "ecs_service": "sqs/ecs-service",
    "lattice_service": "sqs/lattice-service",
    "resync": "schedule/resync",
    "target_health": "schedule/target-health",
}
SENTENCE = "The environment of the function lacks TABLE, DEAD_LETTER_QUEUE; template.yaml sets it, in Globals."


@pytest.fixture
def lacking(deployed, monkeypatch):
    monkeypatch.delenv("TABLE")
    monkeypatch.setenv("DEAD_LETTER_QUEUE", "")
    forget()
    return deployed


@pytest.mark.parametrize("function", [*RIGHT, "lattice_ingress"])
def test_at_the_start_it_is_said_once_in_one_line(lacking, function, caplog):
    app = importlib.import_module(f"functions.{function}.app")
    forget()
    caplog.clear()
    importlib.reload(app)
    lines = [record for record in caplog.records if record.name == logger.name]
    (line,) = {id(record): record for record in lines}.values()
    assert (line.levelname, line.getMessage(), line.reason) == (
        "ERROR",
        "The environment is wrong; every invocation will fail",
        SENTENCE,
    )
    assert line.function.lower() == f"{function.replace('_', '')}function"
    assert not line.exc_info


@pytest.mark.parametrize("function", RIGHT)
@pytest.mark.parametrize("right", [True, False])
def test_every_invocation_fails_with_the_sentence_whatever_the_event_is(lacking, function, right):
    handler = importlib.import_module(f"functions.{function}.app").handler
    for _ in range(2):
        with pytest.raises(SettingsError) as raised:
            handler(recorded(RIGHT[function]) if right else {}, lacking.context)
        assert str(raised.value) == SENTENCE
        assert [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)][1:] == [
            function_handler.__file__
        ]
    assert json.dumps(lacking.world.graph()) == "{}"


def test_a_function_that_starts_well_says_nothing(deployed, caplog):
    app = importlib.import_module("functions.resync.app")
    forget()
    caplog.clear()
    importlib.reload(app)
    assert [record for record in caplog.records if record.name == logger.name] == []
