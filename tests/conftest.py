"""Fixtures of more than one folder, and how the interpreter runs the tests."""

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.world import World


def pytest_collection_finish() -> None:
    """Keep the garbage collector off what stays: AWS's service models are millions of objects, and reading them again
    and again took a quarter of the time. What the tests leave behind is still collected, in larger portions."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def world() -> Iterator["World"]:
    """A new machine with the application in it, a cluster ``shop`` and a service network ``platform``."""
    from tests import world as worlds

    with worlds.started() as started:
        yield started
