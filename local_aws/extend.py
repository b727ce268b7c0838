"""Seams of moto: put a subclass in place of a service's backend and of its responses, in one process and in the server.

moto finds a backend through its ``BackendDict`` and a request's handler through the URL table of the backend's module;
both are replaced here, so that ``mock_aws()`` and ``ThreadedMotoServer`` see the same extension.
"""

import functools
import importlib
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import moto.backends
import moto.core.responses
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import BaseResponse
from moto.core.utils import method_names_from_class

from local_aws import remember

Handler = Callable[..., Any]


def install(
    service: str,
    backend_class: type[BaseBackend],
    response_class: type[BaseResponse] | None = None,
    *,
    more_paths: Iterable[str] = (),
) -> None:
    """Make ``backend_class`` and ``response_class`` answer for a service of moto, from the next request on.

    ``service`` is moto's name of it (``ecs``, ``vpc-lattice``). The classes subclass moto's; every URL that moto hands
    to a class that ``response_class`` extends goes to ``response_class``, and ``more_paths`` (regular expressions that
    start with ``{0}``, tried first) go there too. What the service held before is dropped. Installing again is harmless.
    """
    quicken()
    backends: BackendDict[Any] = moto.backends.get_backend(service)  # type: ignore[call-overload]
    urls = _urls_of(backend_class)
    paths: dict[str, Handler] = {}
    if response_class is not None:
        paths = dict.fromkeys(more_paths, response_class.dispatch)
    for path, handler in urls.url_paths.items():
        paths.setdefault(path, _handed_to(handler, response_class))
    backend_class._url_module = SimpleNamespace(url_bases=urls.url_bases, url_paths=paths)  # type: ignore[assignment]
    _compiled_urls.pop(backend_class, None)
    if backends.backend is not backend_class:
        backends.backend = backend_class
        backends.clear()


def quicken() -> None:
    """Keep what moto works out again at every request though it never changes: URL tables, action names, regions."""
    responses: Any = moto.core.responses
    if responses.method_names_from_class is not method_names_from_class:
        return
    responses.method_names_from_class = functools.cache(method_names_from_class)
    BaseBackend.urls = property(_urls)  # type: ignore[assignment, method-assign]
    modules = functools.cache(lambda: tuple(_list_of_moto_modules()))
    moto.backends.list_of_moto_modules = modules
    remember.install()


_list_of_moto_modules = moto.backends.list_of_moto_modules
_moto_urls = BaseBackend.urls
_compiled_urls: dict[type[BaseBackend], dict[Any, Handler]] = {}


def _urls(backend: BaseBackend) -> dict[Any, Handler]:
    """The URL table of a backend with its patterns compiled (``re.compile`` of a compiled pattern is that pattern)."""
    known = _compiled_urls.get(type(backend))
    if known is None:
        worked_out = _moto_urls.fget(backend)  # type: ignore[attr-defined]
        known = _compiled_urls[type(backend)] = {re.compile(url): handler for url, handler in worked_out.items()}
    return known


def _urls_of(backend_class: type[BaseBackend]) -> Any:
    """The ``urls`` module of moto's service that ``backend_class`` extends."""
    for base in backend_class.__mro__:
        if base.__module__.startswith("moto.") and base is not BaseBackend:
            package = base.__module__.partition(".models")[0]
            return importlib.import_module(f"{package}.urls")
    raise TypeError(f"{backend_class.__name__} does not extend a backend of moto, so there are no URLs to take over")


def _handed_to(handler: Handler, response_class: type[BaseResponse] | None) -> Handler:
    owner = getattr(handler, "__self__", None)
    if response_class is None or not isinstance(owner, type) or not issubclass(response_class, owner):
        return handler
    return getattr(response_class, handler.__name__)


__all__ = ["install", "quicken"]
