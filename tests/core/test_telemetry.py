"""What the log holds beside the application's own lines."""

import logging

import pytest

from ecs_lattice import telemetry


@pytest.mark.parametrize("library", ["botocore.credentials", "botocore.endpoint", "urllib3.connectionpool"])
def test_libraries_speak_of_what_goes_wrong_only(library, caplog):
    """Whatever level Lambda gives the root logger: they would tell of signed URLs at DEBUG."""
    caplog.set_level(logging.DEBUG)
    assert telemetry.logger  # which is what every function loads
    spoken = logging.getLogger(library)
    assert not spoken.isEnabledFor(logging.INFO)
    assert spoken.isEnabledFor(logging.WARNING)
