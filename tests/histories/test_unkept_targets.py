"""A task that VPC Lattice accepts and does not list, in the whole application: few calls, one mail, and its end."""

from typing import Any

from local_aws import lattice
from tests.histories.labels import LABELS, hooked_up
from tests.histories.on_call import OnCallWorld
from tests.histories.test_causes import words_of

HOURS = 3


def registrations(world: Any) -> int:
    """How often the application has called RegisterTargets."""
    return sum(call.operation == "RegisterTargets" and call.caller != lattice.ECS for call in lattice.backend().calls)


def test_what_is_not_kept_is_called_about_rarely_told_in_one_mail_and_healed(world, monkeypatch):
    on_call = OnCallWorld(world)
    arn = hooked_up(world, {**LABELS, "lattice.targets": "controller", "lattice.alarm": "off"}, count=2)
    world.start_probing()
    world.run(600)
    forgets = {"is_on": True}
    backend = lattice.backend()
    register = backend._register
    monkeypatch.setattr(backend, "_register", lambda *given: None if forgets["is_on"] else register(*given))
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=3)
    world.run(600)
    before = registrations(world)
    world.run(HOURS * 3600)
    assert 2 <= registrations(world) - before <= 4 * HOURS + 3
    assert world.statuses(arn) == {"default": ("Live", "NOT_KEPT")}
    ((subject, mail),) = on_call.mails()
    assert "orders/default (shop/orders)" in subject
    assert "VPC Lattice accepts the registration of" in words_of(mail)
    assert world.ask("orders", "/orders").status == 200
    forgets["is_on"] = False
    world.run(3600)
    assert world.statuses(arn) == {"default": ("Live", "")}
    assert on_call.subjects()[1].startswith("OK orders/default (shop/orders)")
    assert (len(on_call.mails()), world.dead) == (2, [])
    with world.counting() as written:
        world.run(3600)
    assert written == []
