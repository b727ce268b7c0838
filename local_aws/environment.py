"""Environment variables: those that configure the local AWS, and those that point clients to it."""

import os

from local_aws.eventbus import REGION

DEFAULT_PORT = 4566
ACCESS_KEY, SECRET_KEY = "local", "local"
"""What a client signs with. Signatures are not checked, and these open no account."""


def client_variables(endpoint_url: str) -> dict[str, str]:
    """What a shell exports so that ordinary clients reach this local AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_PAGER": "",  # AWS CLI 2 would wait in a pager for a key
    }


def port() -> int:
    """LOCAL_AWS_PORT, else 4566. ValueError if it is not a port."""
    text = os.environ.get("LOCAL_AWS_PORT") or str(DEFAULT_PORT)
    if not text.isdigit() or not 1 <= int(text) <= 65533:
        raise ValueError(f"LOCAL_AWS_PORT is {text!r}; a number from 1 to 65533 is needed")
    return int(text)


def speed() -> float:
    """LOCAL_AWS_SPEED, else 1. ValueError if it is not a positive number."""
    text = os.environ.get("LOCAL_AWS_SPEED") or "1"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise ValueError(
            f"LOCAL_AWS_SPEED is {text!r}; a number above 0, at most 1000, is needed (60: a minute per second)"
        )
    return value


__all__ = ["ACCESS_KEY", "DEFAULT_PORT", "SECRET_KEY", "client_variables", "port", "speed"]
