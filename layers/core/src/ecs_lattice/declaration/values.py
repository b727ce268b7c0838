"""Parsers of values: text to a value, or ValueError with what is wrong. The table of keys says what is allowed.

Patterns and ranges are those of the VPC Lattice API unless said otherwise.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from ecs_lattice.model import ListenerKey, ListenerProtocol

STANDARD_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
LISTENER_PROTOCOLS = ("HTTP", "HTTPS", "TLS_PASSTHROUGH")
HIGHEST_PORT = 65535
_MOST_LISTENERS = 10  # no quota of Lattice: whatever the routes of one label are compared by has a bound

_PATH = re.compile(r"/[a-zA-Z0-9@:%_+.~#?&/=-]*", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_NETWORK_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_NETWORK_ARN = re.compile(
    r"arn:[a-z0-9-]+:vpc-lattice:[a-zA-Z0-9-]+:[0-9]{12}:servicenetwork/sn-[0-9a-z]{17}", re.ASCII
)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_CERTIFICATE = re.compile(r"arn:[a-z0-9-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-z-]+", re.ASCII)
_CODES = re.compile(r"([0-9]{3})(?:-([0-9]{3}))?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)

type Parser = Callable[[str], object]


def text(value: str) -> str:
    """The value as it is."""
    return value


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in decimal digits from ``lowest`` to ``highest``."""

    lowest: int
    highest: int

    def __call__(self, value: str) -> int:
        if _DIGITS.fullmatch(value) is None:
            raise ValueError("not a whole number")
        number = int(value)
        if not self.lowest <= number <= self.highest:
            raise ValueError("too small" if number < self.lowest else "too large")
        return number


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One of ``words`` (written in lower case), in any case. Hashed by identity: rows of the table are hashed."""

    words: Mapping[str, object]

    def __call__(self, value: str) -> object:
        if value.lower() not in self.words:
            raise ValueError("no such word")
        return self.words[value.lower()]


def words(*allowed: str) -> Word:
    """One of ``allowed``, in any case; the value is the word as it is written here."""
    return Word({item.lower(): item for item in allowed})


boolean = Word({"true": True, "false": False})


@dataclass(frozen=True, slots=True)
class Path:
    """A path of at most ``longest`` characters."""

    longest: int

    def __call__(self, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError("does not begin with /")
        if len(value) > self.longest:
            raise ValueError(f"{len(value)} characters are too many")
        if _PATH.fullmatch(value) is None:
            strange = sorted({character for character in value if _PATH.fullmatch(f"/{character}") is None})
            raise ValueError(f"Lattice takes no {' '.join(map(repr, strange))} in a path")
        return value


def method(value: str) -> str:
    """An HTTP method; the standard ones in any case, as Lattice compares case."""
    if _TOKEN.fullmatch(value) is None or len(value) > 16:  # noqa: PLR2004  Lattice's HttpMethod
        raise ValueError("not a method")
    return value.upper() if value.upper() in STANDARD_METHODS else value


def is_header_name(name: str) -> bool:
    """Whether ``name`` is a header's: a token (RFC 9110) of at most 100 characters."""
    return len(name) <= 100 and _TOKEN.fullmatch(name) is not None  # noqa: PLR2004  Lattice's HeaderMatchName


def header_value(value: str) -> str:
    """Up to 200 printable characters."""
    if len(value) > 200:  # noqa: PLR2004  Lattice's HeaderMatchExact
        raise ValueError(f"{len(value)} characters are too many")
    if not value.isprintable():
        raise ValueError("contains a control character")
    return value


def listeners(value: str) -> tuple[ListenerKey, ...]:
    """``HTTPS:443``, several separated by spaces."""
    found, items = set(), value.split()
    if len(items) > _MOST_LISTENERS:
        raise ValueError(f"{len(items)} listeners, of which at most {_MOST_LISTENERS} are read")
    for item in items:
        protocol, colon, port = item.partition(":")
        if protocol.upper() not in LISTENER_PROTOCOLS or not colon:
            raise ValueError(f"{item!r} is no listener")
        if _DIGITS.fullmatch(port) is None or not 1 <= int(port) <= HIGHEST_PORT:
            raise ValueError(f"{item!r} has no port from 1 to {HIGHEST_PORT}")
        found.add(ListenerKey(cast(ListenerProtocol, protocol.upper()), int(port)))
    return tuple(sorted(found))


def networks(value: str) -> tuple[str, ...]:
    """Service networks by name, id or ARN, separated by spaces."""
    for item in value.split():
        is_name = 3 <= len(item) <= 63 and _NETWORK_NAME.fullmatch(item)  # noqa: PLR2004  ServiceNetworkName
        if not is_name and _NETWORK_ARN.fullmatch(item) is None:
            raise ValueError(f"{item!r} is no name, id or ARN of a service network")
    return tuple(sorted(set(value.split())))


def domain(value: str) -> str:
    """A fully qualified domain name without wildcard, in lower case."""
    if len(value) > 255 or _DOMAIN.fullmatch(value.lower()) is None:  # noqa: PLR2004  ServiceCustomDomainName
        raise ValueError("not a domain name")
    return value.lower()


def certificate(value: str) -> str:
    """The ARN of an ACM certificate, in any partition."""
    if len(value) > 2048 or _CERTIFICATE.fullmatch(value) is None:  # noqa: PLR2004  Lattice's CertificateArn
        raise ValueError("not the ARN of an ACM certificate")
    return value


def codes(value: str) -> str:
    """HTTP codes and ranges separated by spaces (or commas), as Lattice's matcher writes them: ``200,300-302``."""
    if len(value) > 2000:  # noqa: PLR2004  Lattice's HttpCodeMatcher
        raise ValueError(f"{len(value)} characters are too many")
    found = value.replace(",", " ").split()
    for item in found:
        parts = _CODES.fullmatch(item)
        if parts is None:
            raise ValueError(f"{item!r} is no code or range")
        first, last = int(parts[1]), int(parts[2] or parts[1])
        if not 200 <= first <= last <= 499:  # noqa: PLR2004  User Guide, health checks: 200 to 499
            raise ValueError(f"{item!r} is outside 200-499 or the wrong way round")
    if not found:
        raise ValueError("no code")
    return ",".join(found)
