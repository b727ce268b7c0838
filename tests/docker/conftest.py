"""Without a Docker engine, or without the image that SAM runs functions in, every test here is skipped with the reason.

With REQUIRE_DOCKER=1 it fails instead.
"""

import os
from typing import NoReturn

import pytest

from local_aws.__main__ import build
from local_aws.sam_local import engine
from tests.docker.terminal import ROOT


@pytest.fixture(scope="session")
def docker() -> engine.Engine:
    """The engine, with the base image in it, and a build of the application."""
    try:
        found = engine.find()
    except engine.EngineError as error:
        _unavailable(str(error))
    if not found.has_base_image:
        _unavailable(f"The Docker engine has no image {found.base_image}: docker pull {found.base_image}")
    if not (ROOT / ".aws-sam" / "build" / "template.yaml").exists():
        build(ROOT)
    return found


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1: {reason}", pytrace=False)
    pytest.skip(reason)
