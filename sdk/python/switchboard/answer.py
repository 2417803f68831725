"""What a route's function can give, besides a plain value, which is an answer of 200 as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .body import Body
from .shape import json_text

T = TypeVar("T")


@dataclass
class Created(Generic[T]):
    """An answer of 201 with what was created."""

    value: T


@dataclass
class NoContent:
    """An answer of 204, empty."""


@dataclass
class Response:
    """An answer in every detail."""

    content: bytes | str | Body = b""
    """The bytes, text as UTF-8, or a body of the host's, such as a blob's."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """A value as JSON."""
        return cls(json_text(value), status, {"content-type": "application/json", **(headers or {})})

    def _parts(self) -> tuple[bytes, Any]:
        match self.content:
            case Body():
                return self.content._taken()
            case str():
                return self.content.encode(), None
        return bytes(self.content), None


def response_of(given: Any) -> Response:
    """What a route's function gave, as the answer that it means."""
    match given:
        case Response():
            return given
        case Created(value):
            return Response.json(value, 201)
        case None | NoContent():
            return Response(status=204)
    return Response.json(given)
