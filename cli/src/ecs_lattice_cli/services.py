"""An ECS service as people write it, `file-transfer`, `transfer/file-transfer` or its ARN, to its long ARN."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.nearest import nearest

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

_LONG_ARN = re.compile(r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:service/[\w-]+/[\w-]+", re.ASCII)
_SHOWN = 10


def find(stack: "Stack", written: str) -> str:
    """The long ARN of the ECS service that is ``written``; only a name needs a request to the stack. CommandError if it is
    none, or several."""
    if _LONG_ARN.fullmatch(written):
        return written
    answer = stack.invoke("QueryFunctionName", {"mode": "status"})
    return resolve(written, [service["arn"] for service in answer["ecsServices"]], stack.name)


def resolve(written: str, arns: Iterable[str], stack: str) -> str:
    """The one of ``arns`` that is ``written``. CommandError with the candidates if there are none, or several."""
    short = {arn: short_name(arn) for arn in sorted(arns)}
    found = [arn for arn, name in short.items() if _is_meant(written, arn, name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(
            f"{written} is {len(found)} ECS services: {_listed(short[arn] for arn in found)}. Write one of them."
        )
    raise CommandError(f"Stack {stack} knows no ECS service {written}{_hint(written, short.values())}")


def short_name(arn: str) -> str:
    """``cluster/service``, as a person writes it."""
    return arn.partition(":service/")[2]


def _is_meant(written: str, arn: str, name: str) -> bool:
    service = name.rpartition("/")[2]
    if written.startswith("arn:"):  # the short form of an ARN names no cluster: service/<name>
        return written in {arn, f"{arn.partition(':service/')[0]}:service/{service}"}
    return written in {name, service}


def _hint(written: str, names: Iterable[str]) -> str:
    """The nearest by whole name or by the service's alone; or those that there are."""
    wholes = list(names)
    if not wholes:
        return ": no ECS service is hooked up yet."
    by_word = {name.rpartition("/")[2]: name for name in wholes} | {name: name for name in wholes}
    if near := nearest(written.rpartition(":service/")[2] or written, by_word):
        return f"; did you mean {by_word[near]}?"
    return f"; it knows {_listed(wholes)}."


def _listed(names: Iterable[str]) -> str:
    first = sorted(names)
    more = f" and {len(first) - _SHOWN} more" if len(first) > _SHOWN else ""
    return f"{', '.join(first[:_SHOWN])}{more}"
