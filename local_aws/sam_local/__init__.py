"""`sam local` on the running local AWS: the built functions in Docker containers, with the stack's names and addresses.

``engine`` finds Docker, ``contents`` derives the files for SAM from the stack, ``files`` writes them while a local AWS
runs, ``invoke`` is ``make invoke``.
"""

from local_aws.sam_local.engine import NotReadyError
from local_aws.sam_local.files import DIRECTORY, SamLocalFiles

__all__ = ["DIRECTORY", "NotReadyError", "SamLocalFiles"]
