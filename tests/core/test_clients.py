"""Clients are made when they are used, each once."""

import threading

import botocore.session
import pytest

from ecs_lattice.aws import clients

ALL = [make for name, make in vars(clients).items() if hasattr(make, "cache_clear") and not name.startswith("_")]


@pytest.fixture
def made(monkeypatch):
    """The services whose clients have been made, in this order, from nothing."""
    services, create = [], botocore.session.Session.create_client

    def note(session, service, *arguments, **options):
        services.append(service)
        return create(session, service, *arguments, **options)

    monkeypatch.setattr(botocore.session.Session, "create_client", note)
    forget()
    yield services
    forget()


def forget():
    for kept in (*ALL, clients._made):
        kept.cache_clear()


def test_a_client_that_is_only_asked_for_is_not_made(made):
    assert len({id(make()) for make in ALL}) == len(ALL) > 1
    assert made == []
    assert clients.sqs().meta.service_model.service_name == "sqs"
    assert clients.sqs().can_paginate("list_queues")
    assert made == ["sqs"]


def test_threads_that_use_a_client_at_the_same_time_use_the_same_one(made):
    gate, operations = threading.Barrier(8), []

    def use():
        gate.wait()
        operations.append((clients.lattice().list_targets.__self__, clients.ecs().describe_tasks.__self__))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(operations) == 8
    assert len({id(client) for used in operations for client in used}) == 2
    assert sorted(made) == ["ecs", "vpc-lattice"]


def test_what_a_client_has_not_is_not_there(made):
    with pytest.raises(AttributeError, match="no_such_operation"):
        _ = clients.sqs().no_such_operation
