"""Large values, each organization's apart."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

from .body import Body
from .imports import asking, imported
from .moment import Moment


@dataclass
class BlobInfo:
    """What is known of a blob without reading it."""

    size: int
    etag: str
    modified: Moment


@dataclass
class Blob:
    """A blob, or a part of it."""

    info: BlobInfo
    """What is known of the whole."""
    start: int
    end: int
    """The byte behind the last of the part."""
    body: Body


class File:
    """A blob that is read here and there."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self._raw.size()

    def read_at(self, offset: int, most: int) -> bytes:
        """At most so many bytes from there; none at the end, and perhaps fewer than asked for."""
        with asking():
            return bytes(self._raw.read_at(offset, most))


class Writer:
    """A blob that is being written: stored when its `with` block ends, and not at all when an exception ends it."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._raw: Any = None
        self.info: BlobInfo | None = None
        """What was stored, once it was."""

    def write(self, content: bytes) -> None:
        """More bytes."""
        with asking():
            self._raw.write(content)

    def __enter__(self) -> Writer:
        with asking():
            self._raw = imported("blobs").write(self._key)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raw, self._raw = self._raw, None
        if kind is None:
            with asking():
                self.info = _info(imported("blobs").Writer.finish(raw))
        else:
            raw.__exit__(None, None, None)


class Blobs:
    """Large values. A key is words of letters, digits, `.`, `_` and `-`, joined by `/`."""

    def __init__(self, owner: str | None = None) -> None:
        self._owner = owner

    def of(self, owner: str) -> Blobs:
        """Those of another plugin that shares them."""
        return Blobs(owner)

    def put(self, key: str, content: bytes | Body) -> BlobInfo:
        """Stores all of it, or nothing, in place of what was there."""
        if isinstance(content, Body):
            first, raw = content._taken()
            if first:
                with self.write(key) as writer:
                    for piece in content:
                        writer.write(piece)
                assert writer.info is not None
                return writer.info
        else:
            raw = imported("bodies").Body(content)
        with asking():
            return _info(imported("blobs").put(key, raw))

    def write(self, key: str) -> Writer:
        """A blob that is written in pieces: `with ctx.blobs.write("a/b") as writer: …`."""
        return Writer(key)

    def info(self, key: str) -> BlobInfo | None:
        """What is known of a blob; none when there is none."""
        with asking():
            found = imported("blobs").info(self._owner, key)
        return None if found is None else _info(found)

    def get(self, key: str, part: tuple[int, int] | None = None) -> Blob | None:
        """The blob; with a part, the bytes from its first number up to its second. None when there is none."""
        with asking():
            found = imported("blobs").get(self._owner, key, part)
        if found is None:
            return None
        return Blob(_info(found.info), found.start, found.end, Body(_raw=found.body))

    def open(self, key: str) -> File | None:
        """The blob, to be read here and there; none when there is none."""
        with asking():
            found = imported("blobs").open(self._owner, key)
        return None if found is None else File(found)

    def delete(self, key: str) -> None:
        """Removes a blob; it is no error when there is none."""
        with asking():
            imported("blobs").delete(key)


def _info(raw: Any) -> BlobInfo:
    return BlobInfo(raw.size, raw.etag, Moment.of_microseconds(raw.modified))
