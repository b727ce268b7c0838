"""Without a Docker engine, or without the image that SAM runs functions in, every test here is skipped, and says why."""

import pytest

from local_aws.__main__ import build
from local_aws.sam_local import engine
from tests.docker.terminal import ROOT


@pytest.fixture(scope="session")
def docker() -> engine.Engine:
    """The engine, with the base image in it; and a build of the application beside."""
    try:
        found = engine.find()
    except engine.EngineError as error:
        pytest.skip(str(error))
    if not found.has_base_image:
        pytest.skip(f"The Docker engine has no image {found.base_image}: docker pull {found.base_image}")
    if not (ROOT / ".aws-sam" / "build" / "template.yaml").exists():
        build(ROOT)
    return found
