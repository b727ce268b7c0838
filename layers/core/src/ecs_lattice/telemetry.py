"""The logger of the application: JSON lines, level and service name from the environment (Powertools).

No line is longer than :data:`ecs_lattice.bounds.LOG_LINE`, whatever somebody wrote into a label, a message or an event.
"""

import logging
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from ecs_lattice import bounds

_ROOM = bounds.LOG_LINE - 2000  # for what Lambda's own formatter adds to a record of the standard library's


class BoundedFormatter(LambdaPowertoolsFormatter):
    """Powertools' lines within the bound: long values are cut and long lists shortened."""

    def serialize(self, log: Any) -> str:
        line = super().serialize(log)
        return (
            line
            if len(line.encode("utf-8", "replace")) <= bounds.LOG_LINE
            else super().serialize(bounds.shortened(log, _ROOM))
        )


def bounded(record: logging.LogRecord) -> bool:
    """A filter of handlers, for records of the standard library's loggers. Keeps every record."""
    message = record.getMessage()
    if (within := bounds.cut(message, _ROOM)) != message:
        record.msg, record.args = within, ()
    return True


logger = Logger(service="ecs-lattice", logger_formatter=BoundedFormatter())
for _handler in logging.getLogger().handlers:
    _handler.addFilter(bounded)

# Lambda's JSON logging sets the application's level for every library. At each start botocore logs where its credentials
# are from, and at DEBUG whole requests with signed URLs.
for _library in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)
