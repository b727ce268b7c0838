"""The mails of SNS topics as text, as a person would read them in a mailbox."""

from collections.abc import Iterable
from datetime import UTC, datetime

from local_aws.delivery.topics import TopicDelivery

_PROTOCOLS = ("email", "email-json")
NONE_YET = "No mail yet.\n"


def text(deliveries: Iterable[TopicDelivery], since: int = 0, to: str | None = None) -> str:
    """The mails after the first ``since``, oldest first, each under its number; with ``to``, those to this address."""
    mails = [delivery for delivery in deliveries if delivery.protocol in _PROTOCOLS and to in (None, delivery.endpoint)]
    shown = [_mail(number, mail) for number, mail in enumerate(mails, start=1)][since:]
    return "\n".join(shown) or NONE_YET


def _mail(number: int, mail: TopicDelivery) -> str:
    head = {
        "Date": f"{datetime.fromtimestamp(mail.at, UTC):%Y-%m-%d %H:%M:%S} UTC",
        "To": mail.endpoint,
        "Topic": mail.topic_arn.rpartition(":")[2],
        "Subject": mail.subject or "(none)",
    }
    lines = [
        f"{f'--- mail {number} ':-<80}",
        *(f"{name}: {value}" for name, value in head.items()),
        "",
        mail.body.rstrip(),
    ]
    return "".join(f"{line}\n" for line in lines)


__all__ = ["NONE_YET", "text"]
