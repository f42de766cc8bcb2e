"""Keyset pages: a cursor holds the last item's key, so pages stay put while rows are added."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.kit.parameters import Digits, Query
from app.kit.problems import invalid_cursor

T = TypeVar("T")
Row = TypeVar("Row")

Limit = Annotated[int, Field(ge=1, le=200, description="Items in a page"), Digits]
CursorParameter = Annotated[
    str | None,
    Field(max_length=500, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before"),
]


class PageQuery(Query):
    limit: Limit = 20
    cursor: CursorParameter = None


class Page(BaseModel, Generic[T]):
    """A page of a list. ``next`` is the cursor of the following page, null on the last one."""

    items: list[T]
    next: str | None


def scope(query: PageQuery, name: str) -> str:
    """A fingerprint of the list that a cursor belongs to: the operation and its filters."""
    filters = query.model_dump_json(exclude={"limit", "cursor", "fields", "include"})
    return hashlib.sha256(f"{name}?{filters}".encode()).hexdigest()[:12]


def encode(key: Sequence[Any], owner: str) -> str:
    """The cursor that continues after ``key`` in the list ``owner``."""
    text = json.dumps([owner, *key], default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, owner: str, key: TypeAdapter[T]) -> T:
    """The key inside a cursor.

    :raises Problem: it is damaged, or was made for another list or other filters.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, *parts = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError):
        raise invalid_cursor("it is damaged") from None
    if made_for != owner:
        raise invalid_cursor("it belongs to another list or to other filters")
    try:
        return key.validate_json(json.dumps(parts))
    except ValidationError:
        raise invalid_cursor("it is damaged") from None


def cut(
    rows: Sequence[Row], limit: int, key: Callable[[Row], Sequence[Any]], owner: str
) -> tuple[Sequence[Row], str | None]:
    """A page out of ``limit + 1`` fetched rows, and the cursor of the next one."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode(key(rows[limit - 1]), owner)


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The ``Link`` header to the next page; empty on the last one."""
    if cursor is None:
        return {}
    url = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}
