"""A length of time as people write it: ``45m``, ``12h``, ``3d``, ``1w``."""

import re

from ecs_lattice_cli.errors import CommandError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(written: str) -> int:
    """The seconds of ``written``. CommandError if it is no length of time."""
    match = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhdw])\s*", written)
    if not match:
        raise CommandError(
            f"{written!r} is no length of time; write a number with s, m, h, d or w, such as 45m, 12h or 3d."
        )
    return int(match[1]) * _SECONDS[match[2]]
