"""What histories ask of a world: that it has come to rest, that requests are answered, that calls of AWS fail."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from ecs_lattice.ecs_side import record as records
from local_aws import lattice

BELLS_AN_IDLE_HOUR = 10


def released(world, arn: str, labels: dict[str, str], family: str = "orders", ports=(("web", 8080),), **more) -> None:
    """UpdateService with a new revision."""
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register(labels, family, ports, **more))


def answers(world, name: str, path: str, *bodies: bytes, port: int = 80, **headers: str) -> None:
    """From now on every request to ``path`` is answered 200, by one of ``bodies`` where some are named."""

    def question() -> str | None:
        answer = world.ask(name, path, port, **headers)
        right = answer.status == 200 and (not bodies or any(body in answer.body for body in bodies))
        return None if right else f"{path}: {answer.status} {answer.body[:60]!r} at {world.clock.time():.0f}"

    world.watch(question)


def bells_in_an_idle_hour(world) -> int:
    """How many reconciles an hour costs in which nobody does anything, four sweeps included."""
    before = len(world.outcomes)
    for _ in range(4):
        world.run(900)
        world.sweep()
    return len(world.outcomes) - before


def comes_to_rest(world, requests: int = BELLS_AN_IDLE_HOUR) -> None:
    """After an hour everything is as it should be: for an hour nothing is written, and requests are few. Where more
    ``requests`` are allowed something waits for an end that nobody reports, and the looks at it are noted."""
    from tests.rest import calls, unrestful  # noqa: PLC0415  it needs a world, which needs this module

    for _ in range(4):
        world.run(900)
        world.sweep()
    graph = world.graph()
    with calls(world) as seen:
        enqueued = bells_in_an_idle_hour(world)
    noted = ("due#", "waiting#") if requests > BELLS_AN_IDLE_HOUR else ()
    assert (found := [each for each in unrestful(world, seen) if not each.startswith(noted)]) == [], found
    assert world.graph() == graph
    assert enqueued <= requests, world.outcomes[-enqueued:]
    assert world.dead == []


def written_without_reason(registry) -> list[str]:
    """From now on, every answer and every route status written to ``registry`` that is not Live and lacks code or message."""
    found: list[str] = []
    put_answer, put_document = registry.put_answer, registry.put_document

    def has_reason(told) -> bool:
        return told.state == "Live" or bool(told.code and told.message)

    def answer_put(record, answer):
        found.extend([] if has_reason(answer) else [f"{record.key}: {answer}"])
        return put_answer(record, answer)

    def document_put(kind, key, text, **more):
        statuses = records.parse(text).statuses if kind == records.KIND else ()
        found.extend(f"{key}: {status}" for status in statuses if not has_reason(status))
        return put_document(kind, key, text, **more)

    registry.put_answer, registry.put_document = answer_put, document_put
    return found


def states_without_reason(world) -> list[str]:
    """The routes whose state is not Live and whose status has no code or no message; none may be."""
    return [
        f"{service}: {status}"
        for service, text in world.registry.documents(records.KIND)
        for status in records.parse(text).statuses
        if status.state != "Live" and not (status.code and status.message)
    ]


def deployments_of(world, arn: str) -> list[str]:
    """The statuses of the service's deployments, oldest first."""
    cluster = arn.split("/")[-2]
    listed = world.ecs.list_service_deployments(service=arn, cluster=cluster)["serviceDeployments"]
    return [deployment["status"] for deployment in sorted(listed, key=lambda one: one["createdAt"])]


@contextmanager
def failing(client, operation: str, code: str, times: int | None = None) -> Iterator[list[str]]:
    """``operation`` of ``client`` answers ``code``, always or so many times; what was refused is in the list."""
    refused: list[str] = []

    def refuse(**_: object) -> None:
        if times is None or len(refused) < times:
            refused.append(operation)
            raise ClientError({"Error": {"Code": code, "Message": "made to fail"}}, operation)

    event = f"before-parameter-build.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register(event, refuse)
    try:
        yield refused
    finally:
        client.meta.events.unregister(event, refuse)


def lagging(world, *, propagation: float = 0.0, lists: float = 0.0, ecs_reads: float = 0.0) -> None:
    """Let changes of Lattice spread late, its lists lag, ECS answer what was true a while ago (seconds)."""
    from local_aws import ecs

    backend = lattice.backend()
    backend.timing = dataclasses.replace(backend.timing, propagation=propagation)
    backend.faults.list_lag = lists
    ecs.backend().settings.read_lag_seconds = ecs_reads
