"""The adapter to the SNS topic for notifications."""

import json
from typing import TYPE_CHECKING

from ecs_lattice.aws.clients import translating

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient


class SnsTopic:
    """:class:`ecs_lattice.diagnosis.ports.Topic` over a boto3 client.

    HTTPS subscribers are chats: Amazon Q Developer in chat applications accepts its own schema only and drops anything else.
    """

    def __init__(self, client: "SNSClient", arn: str) -> None:
        self._client = translating(client)
        self._arn = arn

    def publish(self, subject: str, text: str, chat: str) -> None:
        forms = {"default": text, "email": text, "https": chat}
        self._client.publish(TopicArn=self._arn, Subject=subject, Message=json.dumps(forms), MessageStructure="json")
