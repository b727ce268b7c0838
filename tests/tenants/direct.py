"""A world of thousands of calls: the clients of Lattice, of DynamoDB and the most frequent call of ECS without HTTP.

Same parameters, same answers and same errors as boto3's clients; what the application has not used until now is an error.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ecs_lattice.settings import Settings
from local_aws import ecs, inprocess
from tests.lattice_side.direct import DirectClient
from tests.world import SETTINGS, World

type Values = Mapping[str, Any]
type Item = dict[str, Any]


class DirectLattice(DirectClient):
    """Pages need no configuration."""

    def get_paginator(self, method: str) -> "Pages":  # type: ignore[override]
        return Pages(getattr(self, method))


class DirectEcs:
    """DescribeServices without HTTP; every other call by the boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_services(self, **parameters: Any) -> dict[str, Any]:
        return dict(ecs.backend().queries.describe_services(parameters))

    def get_paginator(self, method: str) -> Any:
        queries = ecs.backend().queries
        return (
            Pages(lambda **given: dict(queries.list_services(given)))
            if method == "list_services"
            else self._client.get_paginator(method)
        )


class Table:
    """The one table, as far as the registry uses DynamoDB."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.written: list[tuple[str, str]] = []

    def get_item(self, **parameters: Any) -> dict[str, Any]:
        found = self.items.get(_key(parameters["Key"]))
        return {"Item": copy.deepcopy(found)} if found else {}

    def batch_get_item(self, RequestItems: Values) -> dict[str, Any]:  # noqa: N803  boto3's name
        found = {
            table: [copy.deepcopy(item) for key in wanted["Keys"] if (item := self.items.get(_key(key)))]
            for table, wanted in RequestItems.items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        key = _key(parameters["Item"])
        self._writes("PutItem", key, parameters)
        self.items[key] = copy.deepcopy(parameters["Item"])
        return {}

    def delete_item(self, **parameters: Any) -> dict[str, Any]:
        key = _key(parameters["Key"])
        self._writes("DeleteItem", key, parameters)
        self.items.pop(key, None)
        return {}

    def update_item(self, **parameters: Any) -> dict[str, Any]:
        key = _key(parameters["Key"])
        self._writes("UpdateItem", key, parameters)
        item = copy.deepcopy(self.items.get(key)) or dict(parameters["Key"])
        values = parameters.get("ExpressionAttributeValues", {})
        parts = re.split(r"\s*\b(SET|ADD|DELETE|REMOVE)\s+", _plain(parameters["UpdateExpression"], parameters))
        for clause, text in zip(parts[1::2], parts[2::2], strict=True):
            for change in re.split(r",\s*(?![^(]*\))", text):
                _CLAUSES[clause](item, change.strip(), values)
        self.items[key] = item
        return {"Attributes": copy.deepcopy(item)}

    def scan(self, **parameters: Any) -> dict[str, Any]:
        condition = parameters.get("FilterExpression", "")
        return {"Items": [copy.deepcopy(i) for i in self.items.values() if _holds(condition, i, parameters)]}

    def query(self, **parameters: Any) -> dict[str, Any]:
        condition = parameters["KeyConditionExpression"]
        found = [item for _, item in sorted(self.items.items()) if _holds(condition, item, parameters)]
        return {"Items": copy.deepcopy(found)}

    def get_paginator(self, method: str) -> "Pages":
        return Pages(getattr(self, method))

    def _writes(self, operation: str, key: tuple[str, str], parameters: Values) -> None:
        if not _holds(parameters.get("ConditionExpression", ""), self.items.get(key, {}), parameters):
            error: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "the condition is false"}}
            raise ClientError(error, operation)
        self.written.append(key)


class Pages:
    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        self._call = call

    def paginate(self, PaginationConfig: Values | None = None, **parameters: Any) -> Iterator[dict[str, Any]]:  # noqa: N803  boto3's name
        token: dict[str, str] = {}
        while True:
            page = self._call(**parameters, **token)
            yield page
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}


def _key(item: Values) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _plain(expression: str, parameters: Values) -> str:
    for name, plain in parameters.get("ExpressionAttributeNames", {}).items():
        expression = expression.replace(name, plain)
    return expression


def _holds(condition: str, item: Values, parameters: Values) -> bool:
    """Whether a condition is true: terms joined by OR or by AND."""
    if not condition:
        return True
    text, values = _plain(condition, parameters), parameters.get("ExpressionAttributeValues", {})
    return any(
        all(_term(term.strip(), item, values) for term in either.split(" AND ")) for either in text.split(" OR ")
    )


def _term(term: str, item: Values, values: Values) -> bool:
    for pattern, test in _TERMS.items():
        if found := re.fullmatch(pattern, term):
            wanted = next(iter(values[found[2]].values())) if found.re.groups > 1 else None
            return test(item.get(found[1]), wanted)
    raise AssertionError(f"the table does not know the condition {term}")


def _inner(value: Values | None) -> Any:
    return next(iter(value.values())) if value else ""


_TERMS: dict[str, Callable[[Values | None, Any], bool]] = {
    r"attribute_exists\((\w+)\)": lambda value, _: value is not None,
    r"attribute_not_exists\((\w+)\)": lambda value, _: value is None,
    r"begins_with\((\w+), (:\w+)\)": lambda value, wanted: _inner(value).startswith(wanted),
    r"contains\((\w+), (:\w+)\)": lambda value, wanted: wanted in _inner(value),
    r"size\((\w+)\) < (:\w+)": lambda value, wanted: value is not None and len(_inner(value)) < int(wanted),
    r"(\w+) >= (:\w+)": lambda value, wanted: value is not None and _inner(value) >= wanted,
    r"(\w+) = (:\w+)": lambda value, wanted: value is not None and _inner(value) == wanted,
}


def _set(item: Item, change: str, values: Values) -> None:
    if found := re.fullmatch(r"(\w+) = (:\w+)", change):
        item[found[1]] = values[found[2]]
    elif found := re.fullmatch(r"(\w+) = if_not_exists\(\1, (:\w+)\)", change):
        item.setdefault(found[1], values[found[2]])
    else:
        raise AssertionError(f"the table does not know the change SET {change}")


def _add(item: Item, change: str, values: Values) -> None:
    name, value = change.split()
    if "N" in values[value]:
        item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
    else:
        item[name] = {"SS": sorted({*item.get(name, {"SS": []})["SS"], *values[value]["SS"]})}


def _delete(item: Item, change: str, values: Values) -> None:
    name, value = change.split()
    left = sorted(set(item.get(name, {"SS": []})["SS"]) - set(values[value]["SS"]))
    item.pop(name, None)
    if left:
        item[name] = {"SS": left}


_CLAUSES: dict[str, Callable[[Item, str, Values], object]] = {
    "SET": _set,
    "ADD": _add,
    "DELETE": _delete,
    "REMOVE": lambda item, change, _: item.pop(change, None),
}


class DirectWorld(World):
    """:class:`tests.world.World` with these clients."""

    def __init__(self, machine: inprocess.Machine, settings: Settings = SETTINGS) -> None:
        super().__init__(machine, settings)
        self.table = Table()
        self.task_groups: dict[str, str] = {}
        self.clients.lattice = self.lattice = DirectLattice()
        self.clients.dynamodb = self.dynamodb = self.table
        self.clients.ecs = self.ecs = DirectEcs(self.ecs)
        self.build()

    def _make_table(self) -> None:
        """There is :class:`Table`."""
