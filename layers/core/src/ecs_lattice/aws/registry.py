"""The registry in one DynamoDB table: every read is consistent, every write changes the attributes of one side only.

pk                  sk                           what
lattice#<name>      claim#<service ARN>#<route>  claim (ECS side), answer (Lattice side), the four generations
lattice#<name>      lattice                      LatticeRecord
claims#<ARN>        claims                       the Lattice services on which the ECS service has claims
group#<group id>    need#<consumer>              which ports of a security group a consumer requires
<kind>#<key>        document                     a JSON document of one side, with a time to live if it has one
set#<name>          set                          the members of a limited set
"""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import codec
from ecs_lattice.aws.errors import translating
from ecs_lattice.claims import SCHEMA, Answer, Claim, ClaimRecord, LatticeRecord
from ecs_lattice.errors import ConditionError, TooNewRecordError
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from ecs_lattice.ingress.model import IngressRequirement

type Attributes = dict[str, Any]
"""Attribute values as the DynamoDB API has them, by name."""

_BATCH_GET_ITEMS = 100  # DynamoDB API, BatchGetItem
_PUT_CLAIM = (
    "SET claim = :claim, schemaVersion = :schema, answer = if_not_exists(answer, :pending), "
    "applied = if_not_exists(applied, :zero), answered = if_not_exists(answered, :zero), "
    "acknowledged = if_not_exists(acknowledged, :zero) ADD declared :one"
)


class DynamoRegistry:
    """:class:`ecs_lattice.ports.Registry` over the table named ``table``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = translating(client)
        self._table = table

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        return tuple(map(_record, self._query(f"lattice#{lattice_service}", "claim#")))

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        names = self._get(_key(f"claims#{service.arn}", "claims")).get("names", {}).get("SS", [])
        return tuple(
            _record(item) for name in sorted(names) for item in self._query(f"lattice#{name}", f"claim#{service.arn}#")
        )

    def put_claim(self, claim: Claim) -> ClaimRecord:
        key, text = _claim_key(claim), codec.dumps(claim)
        current = self._get(key)
        if current and current["claim"]["S"] == text:
            return _record(current)
        self._change_names("ADD", claim)
        values = {
            ":claim": {"S": text},
            ":schema": {"N": str(SCHEMA)},
            ":pending": {"S": codec.dumps(Answer("Pending"))},
            ":zero": {"N": "0"},
            ":one": {"N": "1"},
        }
        return _record(self._update(key, _PUT_CLAIM, values))

    def acknowledge(self, record: ClaimRecord) -> None:
        if record.is_unacknowledged:
            values = {":generation": {"N": str(record.answer_generation)}}
            self._update_existing(_claim_key(record.claim), "SET acknowledged = :generation", values)

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        if answer == record.answer and not record.is_unapplied:
            return record
        values: Attributes = {":applied": {"N": str(record.declared_generation)}}
        expression = "SET applied = :applied"
        if answer != record.answer:
            expression += ", answer = :answer ADD answered :one"
            values |= {":answer": {"S": codec.dumps(answer)}, ":one": {"N": "1"}}
        item = self._update_existing(_claim_key(record.claim), expression, values)
        return _record(item) if item else record

    def delete_claim(self, record: ClaimRecord) -> bool:
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=_claim_key(record.claim),
                ConditionExpression="attribute_not_exists(pk) OR declared = :generation",
                ExpressionAttributeValues={":generation": {"N": str(record.declared_generation)}},
            )
        except ConditionError:
            return False
        if not self._query(f"lattice#{record.lattice_service}", f"claim#{record.claim.service.arn}#"):
            self._change_names("DELETE", record.claim)
        return True

    def lattice(self, name: str) -> LatticeRecord:
        item = self._get(_key(f"lattice#{name}", "lattice"))
        return codec.loads(LatticeRecord, item["text"]["S"]) if item else LatticeRecord(name)

    def put_lattice(self, record: LatticeRecord) -> None:
        self._put(_key(f"lattice#{record.name}", "lattice"), codec.dumps(record))

    def delete_lattice(self, name: str) -> None:
        self._delete(_key(f"lattice#{name}", "lattice"))

    def lattice_records(self) -> Iterator[LatticeRecord]:
        for item in self._scan("sk = :sk", {":sk": {"S": "lattice"}}):
            yield codec.loads(LatticeRecord, item["text"]["S"])

    def claims(self) -> Iterator[ClaimRecord]:
        yield from map(_record, self._scan("begins_with(sk, :sk)", {":sk": {"S": "claim#"}}))

    def requirements_on(self, group_id: str) -> "tuple[IngressRequirement, ...]":
        return tuple(map(_requirement, self._query(f"group#{group_id}", "need#")))

    def requirements(self) -> "Iterator[IngressRequirement]":
        yield from map(_requirement, self._scan("begins_with(sk, :sk)", {":sk": {"S": "need#"}}))

    def put_requirement(self, requirement: "IngressRequirement") -> None:
        key = _key(f"group#{requirement.group_id}", f"need#{requirement.consumer}")
        if requirement.ports:
            self._put(key, codec.dumps(requirement))
        else:
            self._delete(key)

    def document(self, kind: str, key: str) -> str | None:
        item = self._get(_key(f"{kind}#{key}", "document"))
        return item["text"]["S"] if item else None

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in batched(sorted(set(keys)), _BATCH_GET_ITEMS, strict=False):
            unprocessed: Attributes = {
                self._table: {"Keys": [_key(f"{kind}#{key}", "document") for key in part], "ConsistentRead": True}
            }
            while unprocessed:
                answer = self._client.batch_get_item(RequestItems=unprocessed)
                items = answer["Responses"].get(self._table, [])
                found |= {item["pk"]["S"].removeprefix(f"{kind}#"): item["text"]["S"] for item in items}
                unprocessed = dict(answer.get("UnprocessedKeys") or {})
        return found

    def documents(self, kind: str) -> Iterator[tuple[str, str]]:
        values = {":sk": {"S": "document"}, ":kind": {"S": f"{kind}#"}}
        for item in self._scan("sk = :sk AND begins_with(pk, :kind)", values):
            yield item["pk"]["S"].removeprefix(f"{kind}#"), item["text"]["S"]

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None:
        self._put(_key(f"{kind}#{key}", "document"), text, expires_at)

    def replace_document(
        self, kind: str, key: str, before: str | None, text: str, *, expires_at: float | None = None
    ) -> bool:
        condition: Attributes = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#text = :before",
                "ExpressionAttributeNames": {"#text": "text"},
                "ExpressionAttributeValues": {":before": {"S": before}},
            }
        try:
            self._put(_key(f"{kind}#{key}", "document"), text, expires_at, condition)
        except ConditionError:
            return False
        return True

    def delete_document(self, kind: str, key: str) -> None:
        self._delete(_key(f"{kind}#{key}", "document"))

    def acquire(self, name: str, member: str, limit: int) -> bool:
        values = {":members": {"SS": [member]}, ":member": {"S": member}, ":limit": {"N": str(limit)}}
        condition = "attribute_not_exists(members) OR contains(members, :member) OR size(members) < :limit"
        try:
            self._update(_key(f"set#{name}", "set"), "ADD members :members", values, condition)
        except ConditionError:
            return False
        return True

    def release(self, name: str, member: str) -> None:
        if member in self.members(name):
            self._update(_key(f"set#{name}", "set"), "DELETE members :members", {":members": {"SS": [member]}})

    def members(self, name: str) -> frozenset[str]:
        return frozenset(self._get(_key(f"set#{name}", "set")).get("members", {}).get("SS", []))

    def _get(self, key: Attributes) -> Attributes:
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return dict(answer.get("Item") or {})

    def _put(
        self, key: Attributes, text: str, expires_at: float | None = None, condition: Attributes | None = None
    ) -> None:
        expiry = {} if expires_at is None else {"expiresAt": {"N": str(int(expires_at))}}
        self._client.put_item(TableName=self._table, Item={**key, "text": {"S": text}, **expiry}, **(condition or {}))

    def _delete(self, key: Attributes) -> None:
        self._client.delete_item(TableName=self._table, Key=key)

    def _query(self, pk: str, sk: str) -> list[Attributes]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    def _scan(self, condition: str, values: Attributes) -> Iterator[Attributes]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _change_names(self, action: str, claim: Claim) -> None:
        """``ADD`` the claim's Lattice service to those of its ECS service, or ``DELETE`` it from them."""
        values = {":name": {"SS": [claim.route.lattice_service]}}
        self._update(
            _key(f"claims#{claim.service.arn}", "claims"),
            f"{action} #names :name",
            values,
            ExpressionAttributeNames=_NAMES,
        )

    def _update_existing(self, key: Attributes, expression: str, values: Attributes) -> Attributes:
        """Update the item if it still exists; its new attributes ({} when it does not)."""
        try:
            return self._update(key, expression, values, "attribute_exists(pk)")
        except ConditionError:
            return {}

    def _update(
        self, key: Attributes, expression: str, values: Attributes, condition: str = "", **more: Any
    ) -> Attributes:
        if condition:
            more["ConditionExpression"] = condition
        answer = self._client.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            **more,
        )
        return dict(answer.get("Attributes") or {})


_NAMES = {"#names": "names"}  # a reserved word of DynamoDB


def _key(pk: str, sk: str) -> Attributes:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _claim_key(claim: Claim) -> Attributes:
    return _key(f"lattice#{claim.route.lattice_service}", f"claim#{claim.service.arn}#{claim.route.name}")


def _requirement(item: Attributes) -> "IngressRequirement":
    from ecs_lattice.ingress.model import IngressRequirement  # noqa: PLC0415  three of seven functions need it

    return codec.loads(IngressRequirement, item["text"]["S"])


def _record(item: Attributes) -> ClaimRecord:
    schema = int(item["schemaVersion"]["N"])
    if schema > SCHEMA:
        raise TooNewRecordError(
            f"{item['pk']['S']} {item['sk']['S']} has schema {schema}; this version knows {SCHEMA}."
        )
    return ClaimRecord(
        claim=codec.loads(Claim, item["claim"]["S"]),
        declared_generation=int(item["declared"]["N"]),
        answer=codec.loads(Answer, item["answer"]["S"]),
        applied_generation=int(item["applied"]["N"]),
        answer_generation=int(item["answered"]["N"]),
        acknowledged_generation=int(item["acknowledged"]["N"]),
    )
