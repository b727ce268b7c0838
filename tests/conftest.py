"""Fixtures of more than one folder, the Region of all tests, and the order in which files run."""

import gc
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.world import World

os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = "us-east-1"
os.environ.pop("AWS_PROFILE", None)


def pytest_collection_finish() -> None:
    """Exempt what collection has loaded from garbage collection, and collect less often. AWS's service models are
    hundreds of thousands of objects that stay; traversing them again and again costs a tenth of the processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def world() -> Iterator["World"]:
    """A new machine with the application in it, a cluster ``shop`` and a service network ``platform``."""
    from tests import world as worlds

    with worlds.started() as started:
        yield started
