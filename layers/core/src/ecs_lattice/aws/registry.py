"""The registry in one DynamoDB table: every read is consistent, every write touches one side's attributes.

pk                  sk                          what
lattice#<name>      claim#<service ARN>#<route>  claim (ECS side), answer (Lattice side), the four generations
lattice#<name>      lattice                      LatticeRecord
claims#<ARN>        claims                       on which Lattice services the ECS service has claims
group#<group id>    need#<consumer>               who needs a security group open, and for what
<kind>#<key>        document                     a JSON document of one side, with a time to live if it has one
set#<name>          set                          members of a limited set
"""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import codec
from ecs_lattice.aws.errors import translated
from ecs_lattice.claims import SCHEMA, Answer, Claim, ClaimRecord, LatticeRecord
from ecs_lattice.errors import ConditionError, TooNewRecordError
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from ecs_lattice.ingress.model import IngressRequirement


_BATCH_GET_ITEMS = 100  # DynamoDB API, BatchGetItem


class DynamoRegistry:
    """:class:`ecs_lattice.ports.Registry` over the table named ``table``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        items = self._query(f"lattice#{lattice_service}", "claim#")
        return tuple(_record(item) for item in items)

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        names = self._get(f"claims#{service.arn}", "claims").get("names", {}).get("SS", [])
        return tuple(
            _record(item) for name in sorted(names) for item in self._query(f"lattice#{name}", f"claim#{service.arn}#")
        )

    def put_claim(self, claim: Claim) -> ClaimRecord:
        key = _claim_key(claim)
        current = self._get(key["pk"]["S"], key["sk"]["S"])
        text = codec.dumps(claim)
        if current and current["claim"]["S"] == text:
            return _record(current)
        self._update(
            {"pk": {"S": f"claims#{claim.service.arn}"}, "sk": {"S": "claims"}},
            "ADD #names :name",
            {":name": {"SS": [claim.route.lattice_service]}},
            names={"#names": "names"},
        )
        return _record(
            self._update(
                key,
                "SET claim = :claim, schemaVersion = :schema, answer = if_not_exists(answer, :pending), "
                "applied = if_not_exists(applied, :zero), answered = if_not_exists(answered, :zero), "
                "acknowledged = if_not_exists(acknowledged, :zero) ADD declared :one",
                {
                    ":claim": {"S": text},
                    ":schema": {"N": str(SCHEMA)},
                    ":pending": {"S": codec.dumps(Answer("Pending"))},
                    ":zero": {"N": "0"},
                    ":one": {"N": "1"},
                },
            )
        )

    def acknowledge(self, record: ClaimRecord) -> None:
        if not record.is_unacknowledged:
            return
        self._update_existing(
            _claim_key(record.claim), "SET acknowledged = :it", {":it": {"N": str(record.answer_generation)}}
        )

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        if answer == record.answer and not record.is_unapplied:
            return record
        values = {":applied": {"N": str(record.declared_generation)}}
        expression = "SET applied = :applied"
        if answer != record.answer:
            expression += ", answer = :answer ADD answered :one"
            values |= {":answer": {"S": codec.dumps(answer)}, ":one": {"N": "1"}}
        item = self._update_existing(_claim_key(record.claim), expression, values)
        return _record(item) if item else record

    def delete_claim(self, record: ClaimRecord) -> bool:
        key = _claim_key(record.claim)
        try:
            with translated("DeleteItem"):
                self._client.delete_item(
                    TableName=self._table,
                    Key=key,
                    ConditionExpression="attribute_not_exists(pk) OR declared = :it",
                    ExpressionAttributeValues={":it": {"N": str(record.declared_generation)}},
                )
        except ConditionError:
            return False
        service = record.claim.service
        if not self._query(f"lattice#{record.lattice_service}", f"claim#{service.arn}#"):
            self._update(
                {"pk": {"S": f"claims#{service.arn}"}, "sk": {"S": "claims"}},
                "DELETE #names :name",
                {":name": {"SS": [record.lattice_service]}},
                names={"#names": "names"},
            )
        return True

    def lattice(self, name: str) -> LatticeRecord:
        item = self._get(f"lattice#{name}", "lattice")
        return codec.loads(LatticeRecord, item["text"]["S"]) if item else LatticeRecord(name)

    def put_lattice(self, record: LatticeRecord) -> None:
        self._put(f"lattice#{record.name}", "lattice", codec.dumps(record))

    def delete_lattice(self, name: str) -> None:
        self._delete(f"lattice#{name}", "lattice")

    def lattice_records(self) -> Iterator[LatticeRecord]:
        for item in self._scan("sk = :sk", {":sk": {"S": "lattice"}}):
            yield codec.loads(LatticeRecord, item["text"]["S"])

    def claims(self) -> Iterator[ClaimRecord]:
        for item in self._scan("begins_with(sk, :sk)", {":sk": {"S": "claim#"}}):
            yield _record(item)

    def requirements_on(self, group_id: str) -> "tuple[IngressRequirement, ...]":
        return tuple(map(_need, self._query(f"group#{group_id}", "need#")))

    def requirements(self) -> "Iterator[IngressRequirement]":
        yield from map(_need, self._scan("begins_with(sk, :sk)", {":sk": {"S": "need#"}}))

    def put_requirement(self, requirement: "IngressRequirement") -> None:
        pk, sk = f"group#{requirement.group_id}", f"need#{requirement.consumer}"
        if requirement.openings:
            self._put(pk, sk, codec.dumps(requirement))
        else:
            self._delete(pk, sk)

    def document(self, kind: str, key: str) -> str | None:
        item = self._get(f"{kind}#{key}", "document")
        return item["text"]["S"] if item else None

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in batched(sorted(set(keys)), _BATCH_GET_ITEMS, strict=False):
            waiting: dict[str, Any] = {
                self._table: {
                    "Keys": [{"pk": {"S": f"{kind}#{key}"}, "sk": {"S": "document"}} for key in part],
                    "ConsistentRead": True,
                }
            }
            while waiting:
                with translated("BatchGetItem"):
                    answer = self._client.batch_get_item(RequestItems=waiting)
                for item in answer["Responses"].get(self._table, []):
                    found[item["pk"]["S"].removeprefix(f"{kind}#")] = item["text"]["S"]
                waiting = dict(answer.get("UnprocessedKeys") or {})
        return found

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None:
        self._put(f"{kind}#{key}", "document", text, expires_at)

    def replace_document(
        self, kind: str, key: str, before: str | None, text: str, *, expires_at: float | None = None
    ) -> bool:
        """Write the document if it still is ``before`` (None: there is none); whether it was written."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#text = :before",
                "ExpressionAttributeNames": {"#text": "text"},
                "ExpressionAttributeValues": {":before": {"S": before}},
            }
        try:
            self._put(f"{kind}#{key}", "document", text, expires_at, condition)
        except ConditionError:
            return False
        return True

    def delete_document(self, kind: str, key: str) -> None:
        self._delete(f"{kind}#{key}", "document")

    def documents(self, kind: str) -> Iterator[tuple[str, str]]:
        values = {":sk": {"S": "document"}, ":kind": {"S": f"{kind}#"}}
        for item in self._scan("sk = :sk AND begins_with(pk, :kind)", values):
            yield item["pk"]["S"].removeprefix(f"{kind}#"), item["text"]["S"]

    def acquire(self, name: str, member: str, limit: int) -> bool:
        try:
            self._update(
                _set_key(name),
                "ADD members :members",
                {":members": {"SS": [member]}, ":member": {"S": member}, ":limit": {"N": str(limit)}},
                "attribute_not_exists(members) OR contains(members, :member) OR size(members) < :limit",
            )
        except ConditionError:
            return False
        return True

    def release(self, name: str, member: str) -> None:
        if member in self.members(name):
            self._update(_set_key(name), "DELETE members :members", {":members": {"SS": [member]}})

    def members(self, name: str) -> frozenset[str]:
        key = _set_key(name)
        return frozenset(self._get(key["pk"]["S"], key["sk"]["S"]).get("members", {}).get("SS", []))

    def _get(self, pk: str, sk: str) -> dict[str, Any]:
        with translated("GetItem"):
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return dict(answer.get("Item") or {})

    def _put(
        self, pk: str, sk: str, text: str, expires_at: float | None = None, condition: dict[str, Any] | None = None
    ) -> None:
        item: dict[str, Any] = {"pk": {"S": pk}, "sk": {"S": sk}, "text": {"S": text}}
        if expires_at is not None:
            item["expiresAt"] = {"N": str(int(expires_at))}
        with translated("PutItem"):
            self._client.put_item(TableName=self._table, Item=item, **(condition or {}))

    def _delete(self, pk: str, sk: str) -> None:
        with translated("DeleteItem"):
            self._client.delete_item(TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def _query(self, pk: str, sk: str) -> list[dict[str, Any]]:
        with translated("Query"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
                ConsistentRead=True,
            )
            return [item for page in pages for item in page["Items"]]

    def _scan(self, condition: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        with translated("Scan"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=self._table,
                FilterExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            )
            for page in pages:
                yield from page["Items"]

    def _update_existing(self, key: dict[str, Any], expression: str, values: dict[str, Any]) -> dict[str, Any]:
        """Update the item unless it has gone; what it is then ({} when it has gone)."""
        try:
            return self._update(key, expression, values, "attribute_exists(pk)")
        except ConditionError:
            return {}

    def _update(
        self,
        key: dict[str, Any],
        expression: str,
        values: dict[str, Any],
        condition: str | None = None,
        names: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        optional: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        optional |= {"ExpressionAttributeNames": names} if names else {}
        with translated("UpdateItem"):
            answer = self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **optional,
            )
        return dict(answer.get("Attributes") or {})


def _claim_key(claim: Claim) -> dict[str, Any]:
    return {
        "pk": {"S": f"lattice#{claim.route.lattice_service}"},
        "sk": {"S": f"claim#{claim.service.arn}#{claim.route.name}"},
    }


def _set_key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"set#{name}"}, "sk": {"S": "set"}}


def _need(item: dict[str, Any]) -> "IngressRequirement":
    from ecs_lattice.ingress.model import IngressRequirement  # noqa: PLC0415  three of the seven functions open security groups

    return codec.loads(IngressRequirement, item["text"]["S"])


def _record(item: dict[str, Any]) -> ClaimRecord:
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
