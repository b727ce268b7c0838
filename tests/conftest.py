"""Fixtures of more than one folder, the Region of all tests, and the order in which files run."""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.world import World

os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = "us-east-1"
os.environ.pop("AWS_PROFILE", None)
# Examples are the same in each run, and none has a deadline, which a busy machine would miss.
settings.register_profile("repository", derandomize=True, deadline=None)
settings.load_profile("repository")


_FOLDER = Path(__file__).parent
_SECONDS_A_TEST = {
    "end_to_end/test_least_privilege.py": 3.0, "end_to_end": 12.0, "docker": 12.0, "layer": 4.0, "local_aws": 0.6,
    "tenants/test_any_tenants.py": 40.0, "tenants": 2.0, "histories": 2.0, "lattice_side": 1.0, "ecs_side": 0.3, "functions": 0.4, "custom_resource": 0.3, "cli/test_newest_click.py": 15.0, "cli/test_console.py": 1.0, "cli/test_svg.py": 1.0, "cli": 0.1, "tools": 1.0,
}  # fmt: skip
"""What a test takes, roughly, by file or folder; elsewhere hundredths of a second."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests, put the longest files first, so that all processes end at the same time."""
    if hasattr(config, "workerinput"):
        seconds: Counter[Path] = Counter()
        for item in items:
            seconds[item.path] += _seconds(item.path)
        items.sort(key=lambda item: -seconds[item.path])


def _seconds(path: Path) -> float:
    inside = path.relative_to(_FOLDER)
    return _SECONDS_A_TEST.get(inside.as_posix(), _SECONDS_A_TEST.get(inside.parts[0], 0.02))


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
