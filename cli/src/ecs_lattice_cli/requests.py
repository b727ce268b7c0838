"""A request as a client sends it, and what of the match of a rule it does not meet. Pure.

How VPC Lattice compares is in :mod:`ecs_lattice.matching`, but for headers whose case a rule minds: labels declare none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from ecs_lattice.aws.lattice_shapes import match_from
from ecs_lattice.graph import PARKED_HEADER
from ecs_lattice.matching import covers, normal
from ecs_lattice.model import HeaderMatch, Match, PathMatch
from ecs_lattice_cli.errors import CommandError

_PORTS = {"http": 80, "https": 443}
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.ASCII | re.DOTALL)  # RFC 9110, 5.1
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110, 9.1
_FORM = "Write a path, such as /orders/7, or a URL, such as https://shop.example.com/orders/7."


class Difference(NamedTuple):
    """Why a rule does not answer a request."""

    kind: Literal["method", "path", "header", "parked", "unknown", "later"]
    message: str


@dataclass(frozen=True)
class Request:
    """``path`` is without its query. ``headers`` by name in lower case. ``host`` is empty and ``port`` None where only a path
    was written."""

    method: str
    path: str
    headers: Mapping[str, str]
    host: str = ""
    port: int | None = None

    @cached_property
    def match(self) -> Match:
        """The match that takes this request alone."""
        headers = tuple(HeaderMatch(name, "exact", value) for name, value in sorted(self.headers.items()))
        return normal(Match(PathMatch("exact", self.path, is_case_sensitive=True), self.method, headers))

    def to(self, host: str) -> "Request":
        """The same request to ``host``: the header that every request has, unless it was written out or the URL has one."""
        return Request(self.method, self.path, {"host": self.host or host, **self.headers}, self.host, self.port)


def request_of(written: str, method: str, headers: Iterable[str]) -> Request:
    """The request of a path or URL, a method and headers (``name:value``). CommandError where it can be none."""
    if not _METHOD.fullmatch(method):
        raise CommandError(f"{method!r} is no HTTP method. Write one such as GET or POST.")
    by_name: dict[str, str] = {}
    for header in headers:
        name, value = _header(header)
        if name in by_name:
            raise CommandError(f"Header {name} is there twice. Write it once, with the values in one line.")
        by_name[name] = value
    if written.startswith("/"):
        return Request(method.upper(), re.split(r"[?#]", written, maxsplit=1)[0], by_name)
    host, port, path = _place(written)
    return Request(method.upper(), path, by_name, host, port)


def _header(written: str) -> tuple[str, str]:
    """Name in lower case, and value."""
    found = _HEADER.fullmatch(written)
    if not found:
        raise CommandError(f"{written!r} is no header. Write name:value, such as -H x-environment:test.")
    return found[1].lower(), found[2].strip()


def _place(written: str) -> tuple[str, int, str]:
    """Host, port and path of a URL."""
    try:
        url = urlsplit(written)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise CommandError(f"{written!r} is no URL: {error}. {_FORM}") from error
    if url.scheme not in _PORTS or not host:
        raise CommandError(f"{written!r} is neither a path nor a URL with http or https. {_FORM}")
    return host, _PORTS[url.scheme] if port is None else port, url.path or "/"


def differences(match: Mapping[str, Any] | None, request: Request) -> list[Difference]:
    """What of a RuleMatch (VPC Lattice API) the request does not meet; None is that of a default action."""
    if match is None:
        return []
    http = match.get("httpMatch")
    if not http:
        return [Difference("unknown", "this command does not know its kind of match")]
    found = list(_differences(http, request))
    if found and is_parked(match):
        return [Difference("parked", "parked until its targets can answer")]
    return found


def is_parked(match: Mapping[str, Any] | None) -> bool:
    """Whether a RuleMatch is that of a parked rule of a stack."""
    headers = (match or {}).get("httpMatch", {}).get("headerMatches") or ()
    return any(header["name"].lower() == PARKED_HEADER for header in headers)


def _differences(http: Mapping[str, Any], request: Request) -> Iterator[Difference]:
    if http.get("method") not in {None, "", request.method}:
        yield Difference("method", "the method differs")
    if not covers(normal(without_case({"pathMatch": http.get("pathMatch")})), request.match):
        yield Difference("path", "the path differs")
    for header in http.get("headerMatches") or ():
        sent = request.headers.get(header["name"].lower())
        if sent is None:
            yield Difference("header", f"header {header['name']} is missing")
        elif not covers(normal(without_case({"headerMatches": [header]})), request.match):
            yield Difference("header", f"header {header['name']} is {sent!r}")
        elif header.get("caseSensitive") and not _holds(header["match"], sent):
            yield Difference("header", f"header {header['name']} is {sent!r}, in another case")


def _holds(match: Mapping[str, str], sent: str) -> bool:
    """Whether the value of a header meets a HeaderMatchType with its case."""
    kind, wanted = next(iter(match.items()))
    return {"exact": sent == wanted, "prefix": sent.startswith(wanted), "contains": wanted in sent}[kind]


def without_case(http: Mapping[str, Any]) -> Match:
    """An HttpMatch as a Match, headers without case as labels declare them."""
    headers = [{**header, "caseSensitive": False} for header in http.get("headerMatches") or ()]
    found = match_from({"httpMatch": {**http, "headerMatches": headers}})
    assert isinstance(found, Match)
    return found


def as_written(match: Mapping[str, Any] | None) -> str:
    """A RuleMatch as people read it: ``POST /orders*``."""
    return str(without_case((match or {}).get("httpMatch") or {}))
