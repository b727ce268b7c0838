"""Whom an auth policy lets in, simplified.

Sources: API reference (PutAuthPolicy, DeleteAuthPolicy) and VPC Lattice User Guide, "Auth policies". Simplified:
conditions, actions and resources of statements are not looked at; a Deny counts unless it has a condition; the
caller's own identity policy is taken to allow.
"""

import json
from collections.abc import Mapping
from typing import Any


def lets_in(policy: str | None, principal: str | None) -> bool:
    """Whether a resource of auth type AWS_IAM with this policy takes a request; None: no policy, an unsigned request.

    Without a policy nobody gets in (API reference). An unsigned request needs a statement for the principal ``*``.
    """
    statements: Any = json.loads(policy).get("Statement", []) if policy else []
    if isinstance(statements, Mapping):
        statements = [statements]
    meant = [one for one in statements if _means(one.get("Principal"), principal)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in meant)
    return not denied and any(one.get("Effect") == "Allow" for one in meant)


def _means(principal: Any, who: str | None) -> bool:
    """Whether a statement's principal includes the client."""
    named = principal.get("AWS", []) if isinstance(principal, Mapping) else principal
    names = [named] if isinstance(named, str) else list(named or [])
    return "*" in names or (who is not None and who in names)
