"""samconfig.toml: what a section deploys, and an edit that leaves comments, order and everything else as they are."""

import difflib
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.install import overrides
from ecs_lattice_cli.nearest import suggestion

FILE = "samconfig.toml"
_OTHERS = ("samconfig.yaml", "samconfig.yml")
_NEEDED: Mapping[str, tuple[Any, ...]] = {"capabilities": ("CAPABILITY_IAM",), "resolve_s3": (True, "s3_bucket")}
"""Without these `sam deploy` of this template fails or asks: the value, and the keys that stand in for it."""
_EDITED = {"stack_name", "region", "parameter_overrides", *_NEEDED}
_MODE = 0o644


class Samconfig:
    """The file as it was read. ``text`` is empty where there is none yet."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self._document: Any = tomlkit.parse(text)
        except TOMLKitError as error:
            raise CommandError(f"{path} is no TOML: {error}") from error

    @property
    def environments(self) -> list[str]:
        """The sections of `--config-env`."""
        return [name for name, section in self._document.items() if isinstance(section, dict)]

    def needs(self, environment: str) -> None:
        """CommandError where the file has other sections, but not this one, or where this one is no section of SAM's."""
        if self.text and environment not in self.environments:
            told = suggestion(environment, self.environments)
            raise CommandError(
                f"{self.path} has no section {environment}; {told} For a new one write [{environment}.deploy.parameters] into it."
            )
        section = self._document.get(environment, {})
        tables = [section.get(command, {}) for command in ("deploy", "global")]
        if not all(isinstance(each, dict) and isinstance(each.get("parameters", {}), dict) for each in tables):
            raise self._form(environment)

    def value(self, environment: str, key: str) -> Any:
        """What `sam deploy` reads for ``key``: from the section of deploy, else from the global one; None where it is in neither."""
        return (_holding(self._document.get(environment, {}), key) or {}).get(key)

    def overrides(self, environment: str) -> dict[str, str]:
        """The parameters that the section sets."""
        try:
            return overrides.parsed(self.value(environment, "parameter_overrides"))
        except CommandError as error:
            raise CommandError(f"{self.path}, section {environment}: {error.message}") from error

    def edited(self, environment: str, parameters: Mapping[str, str], settings: Mapping[str, str]) -> str:
        """The text of the file with ``parameters`` and, for all of SAM's commands, ``settings`` (such as the Region). CommandError where
        the text would say anything else, as after dotted keys and inline tables."""
        try:
            new = self._edited(environment, parameters, settings)
            is_right = self._differs_by(Samconfig(self.path, new), environment, parameters, settings)
        except (TOMLKitError, ValueError, TypeError, AttributeError):
            is_right = False
        if not is_right:
            raise self._form(environment)
        return new

    def _form(self, environment: str) -> CommandError:
        return CommandError(
            f"{self.path}, section {environment}, has a form that is not edited here. Write it as tables: [{environment}.deploy.parameters]."
        )

    def _differs_by(
        self, new: "Samconfig", environment: str, parameters: Mapping[str, str], settings: Mapping[str, str]
    ) -> bool:
        """Whether the new file says what it is to say, and all that this one says."""
        return (
            new.overrides(environment) == {**self.overrides(environment), **parameters}
            and all(new.value(environment, key) == value for key, value in settings.items())
            and _rest(new.text, environment) == _rest(self.text, environment)
        )

    def _edited(self, environment: str, parameters: Mapping[str, str], settings: Mapping[str, str]) -> str:
        document: Any = tomlkit.parse(self.text)
        document.setdefault("version", 0.1)
        section = document.setdefault(environment, tomlkit.table(is_super_table=True))
        for key, value in settings.items():
            _set(_table(section, key, "global"), key, value)
        for key, (value, *instead) in _NEEDED.items():
            if all(_holding(section, each) is None for each in (key, *instead)):
                _table(section, key)[key] = value
        if parameters:
            table = _table(section, "parameter_overrides")
            _set(table, "parameter_overrides", overrides.edited(table.get("parameter_overrides"), parameters))
        return _with_newlines_of(self.text, tomlkit.dumps(document))

    def difference(self, new: str) -> list[str]:
        """A unified diff of the file."""
        names = (f"{FILE} (now)", f"{FILE} (new)")
        return list(difflib.unified_diff(self.text.splitlines(), new.splitlines(), *names, lineterm=""))

    def write(self, new: str) -> None:
        """Replace the file at once. CommandError, and the file as it is, where that fails or somebody else changed it meanwhile."""
        if _text_of(self.path) != self.text:
            raise CommandError(f"{self.path} was changed meanwhile. Nothing was written: run it again.")
        try:
            _replace(self.path.resolve(), new)
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written: {error.strerror}. It is as it was.") from error


def read(folder: Path) -> Samconfig:
    """The file in ``folder``. CommandError where it cannot be read, or where SAM reads another one there."""
    path = folder / FILE
    other = next((name for name in _OTHERS if (folder / name).exists()), None)
    if other and not path.exists():
        raise CommandError(f"{folder / other} is there, and init writes {FILE} only, which SAM would read instead.")
    return Samconfig(path, _text_of(path))


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error


def _rest(text: str, environment: str) -> Any:
    """What the file says apart from the keys that are edited, by another parser."""
    document = {"version": 0.1, **tomllib.loads(text)}
    section = document.pop(environment, {})
    for command in ("deploy", "global"):
        parameters = section.get(command, {}).get("parameters", {})
        section[command] = {
            **section.get(command, {}),
            "parameters": {key: value for key, value in parameters.items() if key not in _EDITED},
        }
    return document, section


def _holding(section: Any, key: str) -> Any:
    """The table with ``key``: that of deploy, else the global one; None where it is in neither."""
    tables = (section.get(command, {}).get("parameters", {}) for command in ("deploy", "global"))
    return next((table for table in tables if key in table), None)


def _table(section: Any, key: str, otherwise: str = "deploy") -> Any:
    """The table with ``key``, or where there is none that of the command ``otherwise``, which is made if it is missing."""
    holding = _holding(section, key)
    if holding is not None:
        return holding
    return section.setdefault(otherwise, tomlkit.table(is_super_table=True)).setdefault("parameters", tomlkit.table())


def _set(table: Any, key: str, value: Any) -> None:
    """Assign a value. Of a list or a table, what stays keeps its form."""
    before = table.get(key)
    match before, value:
        case dict(), dict():
            before.update({name: each for name, each in value.items() if before.get(name) != each})
        case list(), list():
            for index, each in enumerate(value[: len(before)]):
                if before[index] != each:
                    before[index] = each
            before.extend(value[len(before) :])
        case _ if before != value:
            table[key] = value


def _with_newlines_of(old: str, new: str) -> str:
    """Lines that end with CR LF where all of the old ones do."""
    is_dos = bool(old) and old.count("\n") == old.count("\r\n") > 0
    return new.replace("\r\n", "\n").replace("\n", "\r\n") if is_dos else new


def _replace(path: Path, text: str) -> None:
    """Write a file beside it, onto the disk, and move it into its place with its permissions."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _MODE
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


__all__ = ["FILE", "Samconfig", "read"]
