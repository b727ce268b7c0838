"""Fixtures of more than one folder."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def world() -> Iterator["World"]:
    """A new machine with the application in it, a cluster ``shop`` and a service network ``platform``."""
    from tests import world as worlds

    with worlds.started() as started:
        yield started
