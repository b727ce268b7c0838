"""What stack operations share: a background thread per operation, the stack's status, readiness and outputs.

The function of a custom resource calls the local AWS and may take long, so the call that starts the operation must have
returned. CreateStack and UpdateStack without custom resources wait until all resources have been processed.
"""

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, Stack

_READY_SECONDS = 30.0
A_LITTLE, A_WHILE = 5.0, 20.0
"""How long calls wait for an operation, and for a deletion, in seconds."""
_THREAD = "local-aws-stack-"


def wait(stack: Any, seconds: float | None = None) -> None:
    """Wait for an operation before its call returns, at most ``seconds``; by default until it has processed all resources.
    AWS responds at once, but clients poll only every 15 or 30 seconds."""
    resource_map = stack.resource_map
    if seconds is None:
        resource_map.worked.wait(_READY_SECONDS)
    else:
        resource_map.worker.join(seconds)


def is_nested() -> bool:
    """Whether this thread processes a stack, so that a stack that it creates is nested."""
    return threading.current_thread().name.startswith(_THREAD)


def begin(stack: Stack, status: str, work: Callable[[], None]) -> None:
    set_status(stack, status, "User Initiated")
    resource_map: Any = stack.resource_map
    thread = threading.Thread(target=_watched, args=(stack, work), name=_THREAD + stack.name, daemon=True)
    resource_map.worker, resource_map.stack, resource_map.worked = thread, stack, threading.Event()
    thread.start()


def _watched(stack: Stack, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # nothing catches a thread's error: the stack shows it, and the terminal the traceback
        traceback.print_exc()
        set_status(stack, stack.status.replace("_IN_PROGRESS", "_FAILED"), f"The local AWS failed: {error!r}")
    finally:
        resource_map: Any = stack.resource_map
        resource_map.worked.set()


def set_status(stack: Any, status: str, reason: str | None = None) -> None:
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status_reason = reason
    stack.status = status  # last, because others wait for it


def until_ready(stack: Stack) -> None:
    """Wait for associations, which become active in the local AWS's time."""
    resource_map: Any = stack.resource_map
    if not stack.resource_map.creation_complete():
        resource_map.worked.set()
    deadline = time.monotonic() + _READY_SECONDS
    while not stack.resource_map.creation_complete():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Resources of {stack.name} did not become ready within {_READY_SECONDS:.0f} s")
        time.sleep(0.05)


def publish_outputs(backend: CloudFormationBackend, stack: Stack) -> None:
    """Resolve the outputs, and replace the exports of the stack."""
    before = {name for name, export in backend.exports.items() if export.exporting_stack_id == stack.stack_id}
    stack.output_map = stack._create_output_map()
    list(stack.output_map.values())
    exports = stack.output_map.exports
    taken = [export.name for export in exports if export.name in backend.exports and export.name not in before]
    if taken:
        raise ValueError(f"Export with name {taken[0]} is already exported by another stack")
    for name in before:
        del backend.exports[name]
    backend.exports.update({export.name: export for export in exports})


__all__ = ["A_LITTLE", "A_WHILE", "begin", "is_nested", "publish_outputs", "set_status", "until_ready", "wait"]
