"""`sam local` on the running local AWS: the built functions in Docker containers, with the stack's names and addresses.

``engine`` finds Docker, ``files`` says what SAM has to be told of the stack, ``desk`` keeps both for a running local AWS,
``invoke`` is ``make invoke``.
"""

from local_aws.sam_local.desk import DIRECTORY, Desk, prepare, use
from local_aws.sam_local.engine import NotReadyError

__all__ = ["DIRECTORY", "Desk", "NotReadyError", "prepare", "use"]
