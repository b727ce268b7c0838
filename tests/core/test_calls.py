"""Calls to AWS are counted where they are sent."""

import boto3

from ecs_lattice import calls
from ecs_lattice.aws import clients
from local_aws import inprocess


def test_a_count_takes_in_its_own_block_only():
    with calls.counted() as outer:
        calls.note()
        with calls.counted() as inner:
            calls.note()
            calls.note()
        calls.note()
    calls.note()
    assert (outer.calls, inner.calls) == (2, 2)


def test_every_page_that_a_client_asks_for_is_a_call():
    with inprocess.started():
        network = boto3.client("vpc-lattice")
        for name in ("edge", "platform", "internal"):
            network.create_service_network(name=name)
        clients.lattice.cache_clear()
        pages = clients.lattice().get_paginator("list_service_networks").paginate(PaginationConfig={"PageSize": 1})
        with calls.counted() as count:
            assert len([item for page in pages for item in page["items"]]) == 3
        clients.lattice.cache_clear()
    assert count.calls == 3
