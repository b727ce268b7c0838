"""The command with the newest click, which `make setup` puts into .venv/click; the other tests run with the SAM CLI's."""

import os
import subprocess
import sys
from importlib.metadata import distributions, version

from tests.world import ROOT

NEWEST = ROOT / ".venv" / "click"
TESTS = ["tests/cli/test_main.py", "tests/cli/test_lint.py"]


def test_the_command_behaves_alike_with_the_newest_click():
    (found,) = distributions(path=[str(NEWEST)])
    assert found.version != version("click")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-cov", *TESTS]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        command, cwd=ROOT, env={**environment, "PYTHONPATH": str(NEWEST)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
