"""Bytes that the host holds, and that may come in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .imports import asking, imported

_PIECE = 256 * 1024


class Body:
    """Bytes of a request, of a blob, or of an answer. Given back in a `Response`, they are sent on without passing through
    the plugin."""

    def __init__(self, content: bytes = b"", *, _first: bytes = b"", _raw: Any = None) -> None:
        self._first = _first
        self._raw = imported("bodies").Body(content) if _raw is None and not _first else _raw

    def append(self, content: bytes) -> None:
        """Puts bytes at the end of a body that the plugin made: 64 MiB in all."""
        with asking():
            self._raw.append(content)

    def read(self, most: int = _PIECE) -> bytes:
        """The next bytes, at most so many; none at the end."""
        if self._first:
            piece, self._first = self._first[:most], self._first[most:]
            return piece
        if self._raw is None:
            return b""
        with asking():
            return bytes(self._raw.read(most))

    def read_all(self) -> bytes:
        """All that is left. Think of the plugin's memory first."""
        return b"".join(self)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece

    def _taken(self) -> tuple[bytes, Any]:
        return self._first, self._raw
