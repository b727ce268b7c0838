"""A finding: the thing, whether it is as it should be, the fact, and what to do. A check that cannot tell is skipped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import botocore.exceptions as failures

from ecs_lattice_cli.aws_errors import POLICY_PAGE, denied_action
from ecs_lattice_cli.errors import CommandError

type State = Literal["OK", "NOT OK", "SKIPPED"]

OK: State = "OK"
NOT_OK: State = "NOT OK"
SKIPPED: State = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``action`` is the IAM action without which it is not known; ``next`` is a command or what to do."""

    thing: str
    state: State
    fact: str
    next: str = ""
    action: str = ""


type Check = Callable[[], Iterable[Finding]]


def skipped(thing: str, error: Exception) -> Finding:
    """What is not known of ``thing``, because of ``error``."""
    if not isinstance(error, CommandError):
        return Finding(thing, SKIPPED, f"unexpected {type(error).__name__}: {error}", "ecs-lattice doctor --debug")
    action = denied_action(error.__cause__)
    if action:
        return Finding(thing, SKIPPED, f"AWS denied {action}", f"allow {action}: {POLICY_PAGE}", action)
    return Finding(thing, SKIPPED, error.message)


def is_missing(error: CommandError, *codes: str) -> bool:
    """Whether AWS answered with one of ``codes``."""
    cause = error.__cause__
    return isinstance(cause, failures.ClientError) and cause.response["Error"].get("Code") in codes


def run(checks: Iterable[tuple[str, Check]], failed: Callable[[], None]) -> Iterator[Finding]:
    """The findings of each check in its order. What one raises makes its thing unknown, never the others; ``failed`` is called inside
    the handler of what nobody foresaw, for its stack trace."""
    for thing, check in checks:
        try:
            found = list(check())
        except CommandError as error:
            found = [skipped(thing, error)]
        except Exception as error:  # noqa: BLE001  an answer that nobody foresaw is unknown; the other lines are still of use
            failed()
            found = [skipped(thing, error)]
        yield from dict.fromkeys(found)  # what is denied twice is told once
