"""What the page asks for, by name: its own files, and what was read from AWS."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecs_lattice_cli.app import App
from ecs_lattice_cli.console.readings import Kept, Reading
from ecs_lattice_cli.drawing import found, picture
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.output import SCHEMA
from ecs_lattice_cli.svg import STYLE, svg

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "": ("index.html", "text/html"),
    "app.js": ("app.js", "text/javascript"),
    "views.js": ("views.js", "text/javascript"),
    "style.css": ("style.css", "text/css"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'sha256-{_STYLE_HASH}'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: the page's own files, and the style of the picture."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the console."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str]


def text(status: int, sentence: str, **headers: str) -> Answer:
    """A sentence for a person."""
    return Answer(status, "text/plain", f"{sentence}\n".encode(errors="backslashreplace"), headers)


class Answers:
    """Answers by name. AWS is read at most once in ``every`` seconds, the picture more rarely. ``since`` is how far back the
    history goes, in seconds, ``clock`` what their ages are measured by."""

    def __init__(self, app: App, every: float, since: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._every, self._since = app, every, since
        self._readings = {
            "status": Reading(self._status, every, clock),
            "history": Reading(self._history, every, clock),
            "graph": Reading(self._graph, every * 3, clock),
        }

    def answer(self, name: str) -> Answer:
        """That to ``GET /<token>/<name>``."""
        if name in _FILES:
            file, content_type = _FILES[name]
            return Answer(200, content_type, (_PAGE / file).read_bytes(), {})
        if name in {"api/status", "api/history"}:
            return self._document(self._readings[name.removeprefix("api/")].get())
        if name == "api/graph.svg":
            return self._picture(self._readings["graph"].get())
        return text(404, f"The console has no {name!r}.")

    def _document(self, kept: Kept) -> Answer:
        """``result`` is null before the first good reading, ``error`` is empty unless the last one failed."""
        said = {
            "schema": SCHEMA,
            "at": self._app.now(),
            "every": self._every,
            "age": kept.age,
            "waiting": kept.waiting,
            "error": kept.error,
            "result": kept.value,
        }
        return Answer(200, "application/json", json.dumps(said).encode(), {})

    @staticmethod
    def _picture(kept: Kept) -> Answer:
        if kept.value is None:
            return text(503, kept.error or "The picture has not been read yet.")
        headers = {"Age": f"{kept.age:.0f}", **({"Reading-Error": quote(kept.error)} if kept.error else {})}
        return Answer(200, "image/svg+xml", kept.value, headers)

    def _status(self) -> Any:
        answer = self._invoked({"mode": "status"})
        members = ("at", "stack", "ecsServices", "latticeServices")
        return {**{name: answer[name] for name in members}, "region": self._app.stack.region}

    def _history(self) -> Any:
        since = self._app.now() - self._since
        answer = self._invoked({"mode": "history", "since": since, "key": ""})
        return {"since": since, "entries": answer["entries"], "isCut": answer["isCut"]}

    def _graph(self) -> bytes:
        status = self._readings["status"].get(patience=60)
        if status.value is None:
            raise CommandError(status.error or "The status has not been read yet.")
        return "\n".join(svg(picture(found(self._app.stack, status.value)))).encode(errors="backslashreplace")

    def _invoked(self, request: Mapping[str, Any]) -> Any:
        """The answer of the function; after an error its name is looked up again, for the stack may have been updated."""
        try:
            return self._app.stack.invoke("QueryFunctionName", request)
        except CommandError:
            self._app.__dict__.pop("stack", None)
            raise
