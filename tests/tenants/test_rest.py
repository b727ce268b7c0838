"""After a history of tenants, an hour in which nobody does anything has only the resyncs' reads and notes."""

import pytest

from local_aws import inprocess
from tests.rest import comes_to_rest
from tests.tenants.direct import DirectWorld
from tests.tenants.playing import SETTINGS_OF_PLAY, Player, Step, powerless_role


def labels(**keys: str) -> tuple[tuple[str, str], ...]:
    known = {"service": "orders", "port": "web", "listener": "HTTP:80", "health.enabled": "false"}
    return tuple({**known, **{key.replace("_", "."): value for key, value in keys.items()}}.items())


JOINED = [
    Step("one", "declares", labels(path_prefix="/a"), 0),
    Step("two", "declares", labels(path_prefix="/b"), 300),
    Step("r1", "declares", labels(path_prefix="/b"), 300),
    Step("two", "deletes", (), 300),
    Step("crashed", "declares", labels(path_prefix="/c"), 300),
]
LOST = [
    Step("one", "declares", labels(path_prefix="/a"), 0),
    Step("two", "declares", labels(path_prefix="/b"), 1200),
    Step("one", "fails", labels(), 20),
    Step("somebody", "loses", (), 20),
]


@pytest.mark.parametrize("history", [JOINED, LOST], ids=["joined", "lost"])
def test_an_hour_after_the_history_has_no_write(history: list[Step]) -> None:
    with inprocess.started() as machine, powerless_role():
        player = Player(DirectWorld(machine, SETTINGS_OF_PLAY))
        player.play(history)
        comes_to_rest(player.world)
