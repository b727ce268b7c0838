"""Pages of lists: the token names the last item shown, so that pages stay correct while items are added and removed."""

import base64
import binascii
from collections.abc import Sequence

from moto.ecs.exceptions import InvalidParameterException

_LARGEST = 100


def page(items: Sequence[str], token: str | None, size: int | None, default: int) -> tuple[list[str], str | None]:
    """The items after ``token`` in their given, ascending order, at most ``size``, and the token of the next page."""
    wanted = default if size is None else size
    if not 1 <= wanted <= _LARGEST:
        raise InvalidParameterException(f"maxResults must be between 1 and {_LARGEST}, not {wanted}")
    after = _decoded(token) if token else ""
    rest = [item for item in items if item > after]
    shown = rest[:wanted]
    return shown, _encoded(shown[-1]) if len(rest) > wanted else None


def _encoded(item: str) -> str:
    return base64.urlsafe_b64encode(item.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidParameterException("Invalid token specified: nextToken") from error


__all__ = ["page"]
