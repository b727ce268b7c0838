"""The output of functions: one file per function, and the function's log group in CloudWatch Logs."""

import json
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

from moto.logs.models import logs_backends

from local_aws.clock import Clock
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam import service_principals
from local_aws.iam.actions.storage import log_stream
from local_aws.iam.needs import arn
from local_aws.runtime.values import FunctionSettings

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def is_kept(line: str, log_format: str, level: str) -> bool:
    """Whether Lambda keeps a line that a function printed at the application log level ``level`` (empty: not set).

    With the format JSON, objects are filtered by their ``level``; an object without a valid one counts as INFO, lines of
    metrics included (Lambda Developer Guide, "Log-level filtering"). Python's WARNING and CRITICAL are not among the levels
    of that page, so they count as INFO (assumption), and lines that are no JSON object are kept (assumption).
    """
    if log_format != "JSON" or level not in _LEVELS:
        return True
    try:
        found = json.loads(line)
    except ValueError:
        return True
    if not isinstance(found, dict):
        return True
    named = str(found.get("level")).upper()
    return _LEVELS.index(named if named in _LEVELS else "INFO") >= _LEVELS.index(level)


class LogFiles:
    """The directory of the functions' log files; concurrent environments write line by line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()

    def append(self, function: str, line: str) -> None:
        with self._lock:
            self.directory.mkdir(parents=True, exist_ok=True)
            with (self.directory / f"{function}.log").open("a", encoding="utf-8") as file:
                file.write(line + "\n")


class LogStream:
    """The log stream of one execution environment, named as in Lambda."""

    def __init__(self, settings: FunctionSettings, files: LogFiles, clock: Clock) -> None:
        self._settings = settings
        self._files = files
        self._clock = clock
        self.name = f"{clock.now():%Y/%m/%d}/[{settings.version}]{uuid.uuid4().hex}"
        self._recent: list[str] = []
        self._lock = threading.Lock()
        self._denied: bool | None = None

    def write(self, line: str) -> None:
        """Write to the file, and to the log group if the role allows it."""
        with self._lock:
            self._recent.append(line)
            if self._denied is None:
                self._denied = not self._may_write()
        self._files.append(self._settings.name, line)
        if self._denied:
            return
        backend = logs_backends[ACCOUNT][REGION]
        group = self._settings.log_group
        backend.ensure_log_group(group)
        if self.name not in backend.groups[group].streams:
            backend.create_log_stream(group, self.name)
        event = {"timestamp": int(self._clock.time() * 1000), "message": line}
        # Not through PutLogEvents: it rejects events two hours ahead, and the local AWS's time may run ahead.
        backend.groups[group].put_log_events(self.name, [event])

    def printed(self, line: str) -> None:
        """Write a line that the function printed, if its log level keeps it."""
        if is_kept(line, self._settings.log_format, self._settings.log_level):
            self.write(line)

    def _may_write(self) -> bool:
        """Lambda logs with the function's role (Lambda Developer Guide, execution role); checked once per environment."""
        settings = self._settings
        group, stream = arn("logs", f"log-group:{settings.log_group}"), log_stream(settings.log_group, self.name)
        needs = service_principals.side_needs(["logs:CreateLogStream", "logs:PutLogEvents"], stream)
        if settings.log_group not in logs_backends[ACCOUNT][REGION].groups:
            needs = [*service_principals.side_needs(["logs:CreateLogGroup"], group), *needs]
        why = service_principals.refusal(service_principals.for_function(settings.role, settings.arn), needs)
        if why is not None:
            print(f"{settings.name} writes nothing to its log group: {why}", file=sys.stderr)
        return why is None

    def platform(self, kind: str, request_id: str, **details: Any) -> None:
        """A line of the platform, in the function's log format (Lambda Developer Guide, "Log format")."""
        if self._settings.log_format == "JSON":
            record = {"requestId": request_id, **details}
            self.write(json.dumps({"time": self._clock.iso(), "type": f"platform.{kind}", "record": record}))
        else:
            more = "".join(f"\t{name}: {value}" for name, value in details.items())
            self.write(f"{kind.upper()} RequestId: {request_id}{more}")

    def take_recent(self) -> tuple[str, ...]:
        """The lines since the last call: those of one invocation."""
        with self._lock:
            lines, self._recent = tuple(self._recent), []
        return lines
