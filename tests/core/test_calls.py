"""Calls to AWS are counted where they are sent."""

import boto3

from ecs_lattice import api_calls
from ecs_lattice.aws import clients
from local_aws import inprocess


def test_a_count_takes_in_its_own_block_only():
    with api_calls.counted() as outer:
        api_calls.note()
        with api_calls.counted() as inner:
            api_calls.note()
            api_calls.note()
        api_calls.note()
    api_calls.note()
    assert (outer.calls, inner.calls) == (2, 2)


def test_every_page_that_a_client_asks_for_is_a_call():
    with inprocess.started():
        network = boto3.client("vpc-lattice")
        for name in ("edge", "platform", "internal"):
            network.create_service_network(name=name)
        clients.lattice.cache_clear()
        pages = clients.lattice().get_paginator("list_service_networks").paginate(PaginationConfig={"PageSize": 1})
        with api_calls.counted() as count:
            assert len([item for page in pages for item in page["items"]]) == 3
        clients.lattice.cache_clear()
    assert count.calls == 3
