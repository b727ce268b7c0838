"""The registry in one DynamoDB table: every read is consistent, every write changes the attributes of one side only.

pk                  sk                           what
lattice#<name>      claim#<service ARN>#<route>  claim (ECS side), answer (Lattice side), the four generations
lattice#<name>      lattice                      LatticeRecord
claims#<ARN>        claims                       the Lattice services on which the ECS service has claims
group#<group id>    need#<consumer>              which ports of a security group a consumer requires
group#<group id>    rule#<family>#<ports>        a rule that the stack has added to the group
<kind>#<key>        document                     a JSON document of one side, with a time to live if it has one
set#<name>          set                          the members of a limited set

Each text has a bound (:mod:`ecs_lattice.bounds`): those who write labels decide what is in an item, never how large it is.
"""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import bounds, codec
from ecs_lattice.aws.clients import translating
from ecs_lattice.claims import SCHEMA, Answer, Claim, ClaimRecord, LatticeRecord
from ecs_lattice.errors import ConditionError, TooNewRecordError
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from ecs_lattice.ingress.model import AllowedPorts, AuthorizedRule, IngressRequirement

type Attributes = dict[str, Any]
"""Attribute values as the DynamoDB API has them, by name."""

_log = logging.getLogger(__name__)
_BATCH_GET_ITEMS = 100  # DynamoDB API, BatchGetItem
_EXISTS = "attribute_exists(pk)"
_NAMES: Attributes = {"ExpressionAttributeNames": {"#names": "names"}}  # a reserved word of DynamoDB
_PUT_CLAIM = (
    "SET claim = :claim, schemaVersion = :schema, answer = if_not_exists(answer, :pending), "
    "applied = if_not_exists(applied, :zero), answered = if_not_exists(answered, :zero), "
    "acknowledged = if_not_exists(acknowledged, :zero) ADD declared :one"
)


class DynamoRegistry:
    """:class:`ecs_lattice.ports.Registry` over the table named ``table``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = translating(client, of_stack=True)
        self._table = table

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        return tuple(map(_record, self._query(f"lattice#{lattice_service}", "claim#")))

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        names = self._get(f"claims#{service.arn}", "claims").get("names", {}).get("SS", [])
        return tuple(
            _record(item) for name in sorted(names) for item in self._query(f"lattice#{name}", f"claim#{service.arn}#")
        )

    def put_claim(self, claim: Claim) -> ClaimRecord:
        lattice_service, text = claim.route.lattice_service, codec.dumps(claim)
        pk, sk = f"lattice#{lattice_service}", f"claim#{claim.key}"
        current = self._get(pk, sk)
        if current and current["claim"]["S"] == text:
            return _record(current)
        names = {":name": {"SS": [lattice_service]}}
        self._update(f"claims#{claim.service.arn}", "claims", "ADD #names :name", names, **_NAMES)
        values = {
            ":claim": {"S": text},
            ":schema": {"N": str(SCHEMA)},
            ":pending": {"S": codec.dumps(Answer("Pending"))},
            ":zero": {"N": "0"},
            ":one": {"N": "1"},
        }
        return _record(self._update(pk, sk, _PUT_CLAIM, values))

    def acknowledge(self, record: ClaimRecord) -> None:
        if record.is_unacknowledged:
            values = {":generation": {"N": str(record.answer_generation)}}
            pk, sk = f"lattice#{record.lattice_service}", f"claim#{record.key}"
            self._update(pk, sk, "SET acknowledged = :generation", values, ConditionExpression=_EXISTS)

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        if answer == record.answer and not record.is_unapplied:
            return record
        values: Attributes = {":applied": {"N": str(record.declared_generation)}}
        expression = "SET applied = :applied"
        if answer != record.answer:
            expression += ", answer = :answer ADD answered :one"
            values |= {":answer": {"S": codec.dumps(answer)}, ":one": {"N": "1"}}
        pk, sk = f"lattice#{record.lattice_service}", f"claim#{record.key}"
        item = self._update(pk, sk, expression, values, ConditionExpression=_EXISTS)
        return _record(item) if item else record

    def delete_claim(self, record: ClaimRecord) -> bool:
        service, pk = record.claim.service.arn, f"lattice#{record.lattice_service}"
        try:
            self._delete(
                pk,
                f"claim#{record.key}",
                ConditionExpression="attribute_not_exists(pk) OR declared = :generation",
                ExpressionAttributeValues={":generation": {"N": str(record.declared_generation)}},
            )
        except ConditionError:
            return False
        if not self._query(pk, f"claim#{service}#"):
            names = {":name": {"SS": [record.lattice_service]}}
            self._update(f"claims#{service}", "claims", "DELETE #names :name", names, **_NAMES)
        return True

    def lattice(self, name: str) -> LatticeRecord:
        item = self._get(f"lattice#{name}", "lattice")
        return codec.loads(LatticeRecord, item["text"]["S"]) if item else LatticeRecord(name)

    def put_lattice(self, record: LatticeRecord) -> None:
        text = codec.dumps(record)
        if len(text) > bounds.ITEM:  # what a list call finds again
            text = codec.dumps(dataclasses.replace(record, groups=(), networks=(), associations=(), waits=()))
        self._put(f"lattice#{record.name}", "lattice", text)

    def delete_lattice(self, name: str) -> None:
        self._delete(f"lattice#{name}", "lattice")

    def lattice_records(self) -> Iterator[LatticeRecord]:
        for item in self._scan("sk = :sk", {":sk": {"S": "lattice"}}):
            yield codec.loads(LatticeRecord, item["text"]["S"])

    def claims(self) -> Iterator[ClaimRecord]:
        yield from map(_record, self._scan("begins_with(sk, :sk)", {":sk": {"S": "claim#"}}))

    def requirements_on(self, group_id: str) -> "tuple[IngressRequirement, ...]":
        from ecs_lattice.ingress.model import IngressRequirement  # noqa: PLC0415  three of seven functions need it

        items = self._query(f"group#{group_id}", "need#")
        return tuple(codec.loads(IngressRequirement, item["text"]["S"]) for item in items)

    def requirements(self) -> "Iterator[IngressRequirement]":
        from ecs_lattice.ingress.model import IngressRequirement  # noqa: PLC0415  likewise

        for item in self._scan("begins_with(sk, :sk)", {":sk": {"S": "need#"}}):
            yield codec.loads(IngressRequirement, item["text"]["S"])

    def put_requirement(self, requirement: "IngressRequirement") -> None:
        pk, sk = f"group#{requirement.group_id}", f"need#{requirement.consumer}"
        if requirement.ports:
            self._put(pk, sk, codec.dumps(requirement))
        else:
            self._delete(pk, sk)

    def authorized_on(self, group_id: str) -> "tuple[AuthorizedRule, ...]":
        return tuple(map(_authorized, self._query(f"group#{group_id}", "rule#")))

    def authorized(self) -> "Iterator[AuthorizedRule]":
        yield from map(_authorized, self._scan("begins_with(sk, :sk)", {":sk": {"S": "rule#"}}))

    def put_authorized(self, group_id: str, ports: "Iterable[AllowedPorts]") -> None:
        from ecs_lattice.ingress.model import AuthorizedRule  # noqa: PLC0415  likewise

        for allowed in ports:
            rule = AuthorizedRule(group_id, allowed, os.urandom(8).hex())
            self._put(f"group#{group_id}", _rule_key(rule), codec.dumps(rule))

    def delete_authorized(self, rule: "AuthorizedRule") -> None:
        with contextlib.suppress(ConditionError):
            self._delete(
                f"group#{rule.group_id}",
                _rule_key(rule),
                ConditionExpression="#text = :before",
                ExpressionAttributeNames={"#text": "text"},
                ExpressionAttributeValues={":before": {"S": codec.dumps(rule)}},
            )

    def document(self, kind: str, key: str) -> str | None:
        item = self._get(f"{kind}#{key}", "document")
        return item["text"]["S"] if item else None

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in batched(sorted(set(keys)), _BATCH_GET_ITEMS, strict=False):
            keys_of_part = [{"pk": {"S": f"{kind}#{key}"}, "sk": {"S": "document"}} for key in part]
            unprocessed: Attributes = {self._table: {"Keys": keys_of_part, "ConsistentRead": True}}
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
        self._put(f"{kind}#{key}", "document", text, expires_at)

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
            self._put(f"{kind}#{key}", "document", text, expires_at, **condition)
        except ConditionError:
            return False
        return True

    def delete_document(self, kind: str, key: str) -> None:
        self._delete(f"{kind}#{key}", "document")

    def acquire(self, name: str, member: str, limit: int) -> bool:
        values = {":members": {"SS": [member]}, ":member": {"S": member}, ":limit": {"N": str(limit)}}
        condition = "attribute_not_exists(members) OR contains(members, :member) OR size(members) < :limit"
        return bool(self._update(f"set#{name}", "set", "ADD members :members", values, ConditionExpression=condition))

    def release(self, name: str, member: str) -> None:
        if member in self.members(name):
            self._update(f"set#{name}", "set", "DELETE members :members", {":members": {"SS": [member]}})

    def members(self, name: str) -> frozenset[str]:
        return frozenset(self._get(f"set#{name}", "set").get("members", {}).get("SS", []))

    def _get(self, pk: str, sk: str) -> Attributes:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return dict(answer.get("Item") or {})

    def _put(self, pk: str, sk: str, text: str, expires_at: float | None = None, **condition: Any) -> None:
        if len(text) > bounds.ITEM:
            _log.error("The registry item %s %s has %d bytes; expected are at most %d.", pk, sk, len(text), bounds.ITEM)
        item: Attributes = {"pk": {"S": pk}, "sk": {"S": sk}, "text": {"S": text}}
        if expires_at is not None:
            item["expiresAt"] = {"N": str(int(expires_at))}
        self._client.put_item(TableName=self._table, Item=item, **condition)

    def _delete(self, pk: str, sk: str, **condition: Any) -> None:
        self._client.delete_item(TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, **condition)

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

    def _update(self, pk: str, sk: str, expression: str, values: Attributes, **more: Any) -> Attributes:
        """The item's new attributes; {} where a ``ConditionExpression`` does not hold."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **more,
            )
        except ConditionError:
            return {}
        return dict(answer.get("Attributes") or {})


def _rule_key(rule: "AuthorizedRule") -> str:
    return f"rule#{rule.ports.family}#{rule.ports.ports}"


def _authorized(item: Attributes) -> "AuthorizedRule":
    from ecs_lattice.ingress.model import AuthorizedRule  # noqa: PLC0415  likewise

    rule: AuthorizedRule = codec.loads(AuthorizedRule, item["text"]["S"])
    return rule


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
