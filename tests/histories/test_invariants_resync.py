"""Each thing that the resync looks at is alone enough to find what no event told."""

import dataclasses
import itertools

import pytest

from ecs_lattice import stack_state
from ecs_lattice.claims import Answer, Claim
from ecs_lattice.errors import UnavailableError
from ecs_lattice.model import Placement, Route, ServiceId
from tests.histories.labels import LABELS, hooked_up


def release(world, arn: str) -> None:
    revision = world.register({**LABELS, "lattice.path.prefix": "/new"})
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=revision)


def tag(world, arn: str) -> None:
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.path.prefix", "value": "/new"}])


def delete(world, arn: str) -> None:
    world.ecs.delete_service(cluster="shop", service=arn, force=True)


def untold(world, change, arn: str) -> None:
    """``change`` happens to a service that the resync knows, and every message about it is lost."""
    for _ in range(2):
        world.sweep()
        world.run(60)
    world.chaos.lose = 1.0
    change(world, arn)
    world.run(1200)
    world.chaos.lose = 0.0


@pytest.mark.parametrize(
    ("change", "answers"),
    [(release, (404, 200)), (tag, (404, 200)), (delete, (404, 404))],
    ids=lambda one: str(one)[:12],
)
def test_a_sweep_finds_a_change_that_no_event_told(world, change, answers):
    arn = hooked_up(world)
    untold(world, change, arn)
    assert [world.ask("orders", one).status for one in ("/orders", "/new")] != list(answers) or change is delete
    world.sweep()
    world.run(900)
    assert tuple(world.ask("orders", one).status for one in ("/orders", "/new")) == answers
    assert set(world.claims(arn).values()) == (set() if change is delete else {"Live"})


def test_a_service_whose_hooking_up_stopped_half_way_is_rung_though_nothing_of_it_changed(world):
    arn = world.deploy(world.register(LABELS))
    while not world.claims(arn):  # its first deployment is in progress
        world.run(1)
    world.chaos.lose = 1.0
    world.run(1200)
    world.sweep()  # notes what it saw; its requests are lost
    world.chaos.lose = 0.0
    world.run(600)
    assert world.claims(arn) != {"orders/default": "Live"}
    world.sweep()
    world.run(900)
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_sweep_whose_requests_cannot_be_sent_sends_them_the_next_time(world, monkeypatch):
    world.chaos.lose = 1.0
    arn = world.deploy(world.register(LABELS))
    world.run(600)
    world.chaos.lose = 0.0

    def refused(requests):
        if list(requests):
            raise UnavailableError("SendMessageBatch", "ServiceUnavailable", "try again")

    with monkeypatch.context() as patched:
        patched.setattr(world, "enqueue", refused)
        with pytest.raises(UnavailableError):
            world.sweep()
    world.sweep()
    world.run(900)
    assert world.claims(arn) == {"orders/default": "Live"}


def test_a_lattice_service_whose_delayed_request_was_lost_is_enqueued_when_it_is_overdue(world):
    arn = hooked_up(world)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=world.register({}))
    world.run(400)
    assert world.registry.lattice("orders").due_at
    world.chaos.lose = 1.0
    world.run(1200)
    world.chaos.lose = 0.0
    assert world.ask("orders", "/orders").status == 200
    world.sweep()
    world.run(60)
    assert world.ask("orders", "/orders").status == 404


def enqueued(world) -> set[tuple[str, str]]:
    """What a sweep enqueues, none of which arrives."""
    world.resync.sweep(600)
    requests, world._requests = world._requests, []
    return {(request.kind, request.key) for request in requests}


def test_what_is_unapplied_is_enqueued_at_once_and_what_is_not_live_at_doubling_distance(world):
    service = ServiceId("arn:aws:ecs:us-east-1:123456789012:service/shop/orders")
    claim = Claim(service, 1.0, Route("default", "orders", "web"), Placement("vpc-1", "IPV4", 8080))
    record = world.registry.put_claim(claim)  # no request of it has ever arrived, so nothing else is known of it
    assert all(("latticeService", "orders") in enqueued(world) for _ in range(2))
    record = world.registry.put_answer(record, Answer("Wired"))
    assert ("ecsService", service.arn) in enqueued(world)
    world.registry.acknowledge(record)
    found = []
    for number in range(120):
        world.clock.advance(900)
        if ("latticeService", "orders") in enqueued(world):
            found.append(number)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    assert gaps == [1, 2, 4, 8, 16, 24, 24, 24], gaps
    record = world.registry.put_answer(record, Answer("Live"))
    world.registry.acknowledge(record)
    assert not enqueued(world)


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped(world):
    for name in ("a", "b"):
        world.make_cluster(name)
    world.chaos.lose = 1.0
    for name in ("a", "b"):
        world.deploy(world.register(LABELS, name), name=name, cluster=name)
    world.run(600)
    world.chaos.lose = 0.0
    first = world.resync.sweep(0)
    assert (first.read, first.complete) == (1, False)
    swept = world.resync.sweep(600)
    assert (swept.read, swept.complete) == (1, True)  # the service of cluster b; that of a was read by the first run
    assert world.registry.document("stack", "cursor") is None


def test_the_cursor_of_an_earlier_version_or_of_other_clusters_begins_a_pass_anew(world):
    for name in ("a", "b"):
        world.make_cluster(name)
        world.deploy(world.register(LABELS, name), name=name, cluster=name)
    world.registry.put_document("stack", "cursor", "arn:aws:ecs:us-east-1:123456789012:cluster/b")
    swept = world.resync.sweep(600)
    assert (swept.read, swept.complete) == (2, True)
    assert not world.resync.sweep(0).complete
    world.build(dataclasses.replace(world.settings, clusters=("a", "b")))
    assert world.resync.sweep(600).read == 2
    assert world.registry.document("stack", "cursor") is None


def test_what_only_a_whole_pass_may_judge_is_judged_however_short_the_runs_are(world):
    group = world.ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    arns = []
    for name in ("a", "b", "c"):
        world.make_cluster(name)
        labels = {**LABELS, "lattice.service": f"orders-{name}"}
        arns.append(hooked_up(world, labels, family=name, name=name, cluster=name, groups=[group]))

    def short_runs(count: int) -> list[bool]:
        ended = []
        for _ in range(count):
            world.run(900)
            ended.append(world.resync.sweep(0).complete)
        return ended

    assert short_runs(8).count(True) == 2
    assert stack_state.is_complete(world.registry)
    world.chaos.lose = 1.0
    for name, arn in zip("abc", arns, strict=True):
        world.ecs.delete_service(cluster=name, service=arn, force=True)
    world.run(4000)
    world.chaos.lose = 0.0
    short_runs(24)
    assert [world.claims(arn) for arn in arns] == [{}, {}, {}]
    assert world.inbound(group) == set()
