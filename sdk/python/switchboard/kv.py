"""Small values with expiry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .imports import asking, imported
from .moment import Moment
from .shape import json_text


@dataclass
class Entry:
    """A small value."""

    value: bytes
    version: int
    """Changes with every write, and is never the same again."""
    expires_at: Moment | None


class Kv:
    """Small values of at most 64 KiB, each organization's apart. A key is 1 to 200 bytes of text."""

    def get(self, key: str) -> Entry | None:
        """The value under a key."""
        with asking():
            found = imported("kv").get(key)
        if found is None:
            return None
        expires_at = None if found.expires_at is None else Moment.of_microseconds(found.expires_at)
        return Entry(bytes(found.value), found.version, expires_at)

    def get_json(self, key: str) -> Any:
        """The JSON under a key; `None` when there is none."""
        found = self.get(key)
        return None if found is None else json.loads(found.value)

    def set(self, key: str, value: bytes, expires_in: timedelta | None = None) -> None:
        """Sets the value under a key."""
        self._write(key, value, expires_in, None)

    def set_json(self, key: str, value: Any, expires_in: timedelta | None = None) -> None:
        """Sets the JSON under a key."""
        self.set(key, json_text(value).encode(), expires_in)

    def add(self, key: str, value: bytes, expires_in: timedelta | None = None) -> bool:
        """Sets the value where there is none; false where there is one."""
        return self._write(key, value, expires_in, 0) is not None

    def replace(self, key: str, version: int, value: bytes, expires_in: timedelta | None = None) -> bool:
        """Sets the value where that version is there; false where it is not."""
        return self._write(key, value, expires_in, version) is not None

    def delete(self, key: str) -> bool:
        """Removes the value under a key; false when there was none."""
        with asking():
            return imported("kv").delete(key)

    def list(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
        """The keys that begin so, in order, behind the one given."""
        with asking():
            return imported("kv").list_keys(prefix, after, limit)

    def _write(self, key: str, value: bytes, expires_in: timedelta | None, only_if: int | None) -> int | None:
        kv = imported("kv")
        expires_in_us = None if expires_in is None else expires_in // timedelta(microseconds=1)
        with asking():
            return kv.set(key, value, kv.Terms(expires_in_us, only_if))
