"""Which routes are refused or in conflict, a line each in the log of every resync.

The log of a reconcile has a refusal once, when it is new. These lines say it again as long as it holds, so that the
dashboard shows what holds now, however long ago it began. Its query takes them apart (template.yaml, Dashboard).
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice

from ecs_lattice.ecs_side.record import EcsRecord, parse
from ecs_lattice.errors import TooNewRecordError
from ecs_lattice.model import ServiceId

_log = logging.getLogger(__name__)
LINE = "Route %s of ECS service %s on Lattice service %s: %s %s"
"""Route, ECS service, Lattice service, state and code. A declaration that is refused as a whole has no route: ``-``."""
MOST_LINES = 200
"""Of a run. The dashboard's table has no more rows."""
_STATES = ("Refused", "Conflicted")

type Refusal = tuple[str, str, str, str, str]
"""What :data:`LINE` has, in its order."""


def log(documents: Mapping[str, str]) -> None:
    """Log the refusals in the records of ECS services (``documents``, by ARN), in the order of the ARNs."""
    for refusal in islice(_all(documents), MOST_LINES):
        _log.info(LINE, *refusal)


def _all(documents: Mapping[str, str]) -> Iterator[Refusal]:
    for _, text in sorted(documents.items()):
        try:
            yield from _of(parse(text))
        except TooNewRecordError:
            continue  # a newer version wrote it, whose resync logs it


def _of(record: EcsRecord) -> Iterator[Refusal]:
    service = str(ServiceId(record.service))
    if record.refused:
        yield "-", service, "-", "Refused", record.refused
    for status in record.statuses:
        if status.state in _STATES:
            yield status.route, service, status.lattice_service, status.state, status.code
