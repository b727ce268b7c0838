"""A new bench for each test."""

from collections.abc import Iterator

import pytest

from tests.ecs_side import bench as benches


@pytest.fixture
def bench() -> Iterator["benches.Bench"]:
    with benches.bench() as started:
        yield started
