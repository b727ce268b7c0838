"""Clients are made when they are used, each once."""

import threading

import boto3
import pytest

from ecs_lattice.aws.clients import Clients


@pytest.fixture
def made(monkeypatch):
    """The services whose clients have been made, in this order, from nothing."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    services, client = [], boto3.Session.client

    def note(session, service, *arguments, **options):
        services.append(service)
        return client(session, service, *arguments, **options)

    monkeypatch.setattr(boto3.Session, "client", note)
    return services


def test_a_client_that_is_only_asked_for_is_not_made(made):
    clients = Clients()
    assert len([name for name in vars(clients) if not name.startswith("_")]) == 12
    assert made == []
    assert clients.sqs.meta.service_model.service_name == "sqs"
    assert clients.sqs.can_paginate("list_queues")
    assert made == ["sqs"]


def test_all_come_from_one_session_which_is_not_the_default_session(made, monkeypatch):
    sessions = []
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(boto3, "Session", lambda make=boto3.Session: sessions.append(make()) or sessions[-1])
    clients = Clients()
    assert {clients.ecs.meta.region_name, clients.sqs.meta.region_name} == {"us-east-1"}
    assert len(sessions) == 1
    assert boto3.DEFAULT_SESSION is None


def test_threads_that_use_a_client_at_the_same_time_use_the_same_one(made):
    clients, gate, operations = Clients(), threading.Barrier(8), []

    def use():
        gate.wait()
        operations.append((clients.lattice.list_targets.__self__, clients.ecs.describe_tasks.__self__))

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
        _ = Clients().sqs.no_such_operation
