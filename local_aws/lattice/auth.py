"""Which clients an auth policy allows, simplified.

Sources: API reference (PutAuthPolicy, DeleteAuthPolicy) and VPC Lattice User Guide, "Auth policies". Simplified:
actions and resources of statements are ignored; of conditions, only those on the principal are evaluated (its account,
its presence); a Deny applies unless it has a condition; the caller's identity-based policy is assumed to allow.
"""

import json
from collections.abc import Mapping
from typing import Any


def lets_in(policy: str | None, principal: str | None) -> bool:
    """Whether a resource of auth type AWS_IAM with this policy accepts a request; None: no policy, an unsigned request.

    Without a policy all requests are denied (API reference). Unsigned requests need a statement for the principal ``*``.
    """
    statements: Any = json.loads(policy).get("Statement", []) if policy else []
    if isinstance(statements, Mapping):
        statements = [statements]
    meant = [statement for statement in statements if _means(statement.get("Principal"), principal)]
    denied = any(statement.get("Effect") == "Deny" and not statement.get("Condition") for statement in meant)
    return not denied and any(
        statement.get("Effect") == "Allow" and _holds(statement.get("Condition"), principal) for statement in meant
    )


def _holds(condition: Mapping[str, Mapping[str, Any]] | None, who: str | None) -> bool:
    """Whether the conditions on the principal hold; an unsigned request has no principal to compare (User Guide)."""
    for operator, wanted in (condition or {}).items():
        for key, values in wanted.items():
            if not key.lower().startswith("aws:principal"):
                continue
            if who is None:
                return False
            accounts = [values] if isinstance(values, str) else values
            if operator == "StringEquals" and key.lower() == "aws:principalaccount" and _account(who) not in accounts:
                return False
    return True


def _means(principal: Any, who: str | None) -> bool:
    """Whether a statement's principal includes the client."""
    named = principal.get("AWS", []) if isinstance(principal, Mapping) else principal
    names = [named] if isinstance(named, str) else list(named or [])
    return "*" in names or (who is not None and who in names)


def _account(who: str) -> str:
    """The account in a principal's ARN; an account is a principal too."""
    parts = who.split(":")
    return parts[4] if len(parts) > 4 else who
