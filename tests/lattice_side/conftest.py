"""A new stage for each test."""

from collections.abc import Iterator

import pytest

from tests.lattice_side import stage as stages


@pytest.fixture
def stage() -> Iterator["stages.Stage"]:
    with stages.stage() as started:
        yield started
