"""Exit codes, and the one error that a verb raises. Its message is a sentence for the person at the terminal."""

from typing import Final

GOOD: Final = 0
PROBLEM: Final = 1
"""What was asked about has a problem."""
CHANGES: Final = 2
"""`plan --detailed-exitcode`: there is something to do (Terraform's code for it)."""
USAGE: Final = 64
"""The command line is wrong: EX_USAGE of sysexits.h."""
UNAVAILABLE: Final = 69
"""AWS cannot be reached, or does not permit the call: EX_UNAVAILABLE."""
NOT_YET: Final = 75
"""What was waited for has not happened yet: EX_TEMPFAIL."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""


class CommandError(Exception):
    """The command ends with ``exit_code``. ``message`` says what is wrong, where, what is allowed and what to do."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
