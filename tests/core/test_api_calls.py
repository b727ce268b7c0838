"""Calls to AWS are counted and timed where they are sent."""

import boto3
import pytest

from ecs_lattice import api_calls
from ecs_lattice.aws.clients import Clients
from ecs_lattice.errors import OutOfTimeError
from local_aws import inprocess


@pytest.fixture
def lattice():
    with inprocess.started():
        yield Clients(boto3.DEFAULT_SESSION).lattice


def test_a_count_takes_in_its_own_block_only():
    with api_calls.within(60) as outer:
        api_calls.start()
        with api_calls.within(60) as inner:
            api_calls.start()
            api_calls.start()
        api_calls.start()
    api_calls.start()
    assert (outer.calls, inner.calls) == (2, 2)


def test_every_page_that_a_client_asks_for_is_a_call(lattice):
    for name in ("edge", "platform", "internal"):
        lattice.create_service_network(name=name)
    pages = lattice.get_paginator("list_service_networks").paginate(PaginationConfig={"PageSize": 1})
    with api_calls.within(60) as count:
        assert len([item for page in pages for item in page["items"]]) == 3
    assert count.calls == 3


def test_no_call_starts_when_the_time_is_over_and_none_is_counted(lattice):
    with api_calls.within(-1) as count, pytest.raises(OutOfTimeError):
        lattice.create_service_network(name="edge")
    assert count.calls == 0
    with api_calls.within(60):
        assert lattice.list_service_networks()["items"] == []


def test_no_page_is_asked_for_when_the_time_is_over(lattice):
    for name in ("edge", "platform"):
        lattice.create_service_network(name=name)
    pages = iter(lattice.get_paginator("list_service_networks").paginate(PaginationConfig={"PageSize": 1}))
    assert len(next(pages)["items"]) == 1
    with api_calls.within(-1), pytest.raises(OutOfTimeError):
        next(pages)
