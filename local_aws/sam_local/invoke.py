"""``make invoke``: checks the prerequisites of `sam local invoke`, runs it, and fails if the function failed.

SAM itself exits with 0 if the function raised (AWS SAM CLI, ``commands/local/invoke``): the response shows the error, the
exit code does not.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_aws.runtime.values import is_error

TABLE = Path("events") / "functions.toml"
_EXAMPLE = "make invoke FUNCTION=EcsEventsFunction EVENT=events/ecs/deployment-completed.json"


class CannotInvokeError(RuntimeError):
    """A prerequisite is missing; the text is a sentence that says which, and what to do."""


def events_of(root: Path) -> dict[str, list[Path]]:
    """The recorded events by function, according to events/functions.toml; sorted."""
    table = tomllib.loads((root / TABLE).read_text(encoding="utf-8"))
    return {
        function: sorted({path for pattern in entry["events"] for path in (root / TABLE.parent).glob(pattern)})
        for function, entry in table.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Invoke one function with one event; 0 if it succeeded, 1 if it or a previous step failed."""
    options = _parser().parse_args(arguments)
    try:
        event = _event(options.root, options.function, options.event)
        prepared = _prepare(_endpoint(), options.function)
        return _invoke(
            options.root, options.function, with_local_response_url(event, prepared["responseUrl"]), prepared
        )
    except CannotInvokeError as error:
        print(error, file=sys.stderr)
        return 1


def with_local_response_url(event: Any, response_url: str) -> str:
    """The event as text. A custom resource's request gets a ResponseURL at the local AWS instead of its own at AWS."""
    if isinstance(event, dict) and "ResponseURL" in event:
        event = {**event, "ResponseURL": response_url}
    return json.dumps(event)


def _event(root: Path, function: str, event: str) -> Any:
    events = events_of(root)
    if function not in events:
        which = f"There is no function {function}" if function else "Say which function"
        raise CannotInvokeError(f"{which}: one of {', '.join(events)}. For example: {_EXAMPLE}")
    if not event:
        listed = "\n  ".join(str(path.relative_to(root)) for path in events[function])
        raise CannotInvokeError(f"Say which event, EVENT=<file>. Those for {function} are:\n  {listed}")
    try:
        return json.loads((root / event).read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotInvokeError(f"EVENT={event} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CannotInvokeError(f"EVENT={event} is not JSON: {error}.") from error


def _endpoint() -> str:
    port = os.environ.get("LOCAL_AWS_PORT") or "4566"
    return os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{port}"


def _prepare(endpoint: str, function: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{endpoint}/_local_aws/sam-local", timeout=60) as answer:  # noqa: S310  http only
            prepared: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as error:
        raise CannotInvokeError(
            f"No local AWS answers at {endpoint}: start it with make local, in another terminal. "
            "(Set AWS_ENDPOINT_URL or LOCAL_AWS_PORT if it runs elsewhere.)"
        ) from error
    if "error" in prepared:
        raise CannotInvokeError(prepared["error"])
    if function not in prepared["functions"]:
        raise CannotInvokeError(f"The stack has no {function}; it has {', '.join(prepared['functions'])}.")
    return prepared


def command(prepared: Mapping[str, Any], function: str) -> list[str]:
    """The `sam local invoke` command, with the event on standard input; skips the registry if the image exists."""
    skip = ["--skip-pull-image"] if prepared["hasBaseImage"] else []
    return [
        *(str(Path(sys.executable).parent / "sam"), "local", "invoke", function),
        *("--event", "-", "--template-file", prepared["template"], "--env-vars", prepared["environment"]),
        *skip,
    ]


def _invoke(root: Path, function: str, event: str, prepared: Mapping[str, Any]) -> int:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": _endpoint(),  # SAM calls STS: the local one, not an account's
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SAM_CLI_TELEMETRY": "0",
    }
    finished = subprocess.run(
        command(prepared, function),
        cwd=root,
        env=environment,
        input=event,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(finished.stdout)
    return 1 if finished.returncode or is_error(finished.stdout) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_aws.sam_local.invoke", description=__doc__)
    parser.add_argument("function", help="logical id, such as EcsEventsFunction")
    parser.add_argument("event", help="file with the event")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="where samconfig.toml is (default: here)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
