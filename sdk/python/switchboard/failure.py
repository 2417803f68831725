"""How a call can fail."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class Fault:
    """One rule broken, at one place."""

    kind: str
    """A stable word for the rule, such as `missing`."""
    place: list[str | int]
    """The way to the place: `["body", "tags", 2]`."""
    message: str
    """What is wrong, for people."""
    input: Any = None
    """What was sent there."""


class Failure(Exception):
    """How a call can fail. Raise one from a handler; the host's own are raised likewise.

    Any other exception that leaves a handler is the plugin's fault: the caller learns that it failed, and the log has
    the traceback.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        faults: Iterable[Fault] = (),
        retry_after: float | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        """One of `invalid`, `not_found`, `forbidden`, `conflict`, `too_large`, `rate_limited`, `unavailable`, `timed_out`,
        `broken`."""
        self.message = message
        """What failed, on what, why, and what to do."""
        self.faults = list(faults)
        """With `invalid`: each fault by field."""
        self.retry_after = retry_after
        """With `rate_limited` and `unavailable`: after how many seconds to try again, if that is known."""
        self.limit = limit
        """With `too_large`: the limit in bytes."""

    @classmethod
    def _received(cls, raw: Any) -> Failure:
        """A failure as the host says it."""
        after = raw.retry_after_ms
        return cls(
            raw.kind,
            raw.message,
            faults=[Fault(f.kind, json.loads(f.place), f.message, json.loads(f.input)) for f in raw.faults],
            retry_after=None if after is None else after / 1000,
            limit=raw.limit,
        )


def invalid(message: str, *faults: Fault) -> Failure:
    """What was sent breaks a rule."""
    return Failure("invalid", message, faults=faults)


def not_found(message: str) -> Failure:
    """The thing does not exist, or not for this caller."""
    return Failure("not_found", message)


def forbidden(message: str) -> Failure:
    """The caller may not do it."""
    return Failure("forbidden", message)


def conflict(message: str) -> Failure:
    """It does not fit what is there; from a filter, a veto."""
    return Failure("conflict", message)


def too_large(message: str, limit: int) -> Failure:
    """More bytes than are accepted."""
    return Failure("too_large", message, limit=limit)


def rate_limited(message: str, retry_after: float) -> Failure:
    """Too many calls; try again after so many seconds."""
    return Failure("rate_limited", message, retry_after=retry_after)


def unavailable(message: str, retry_after: float | None = None) -> Failure:
    """Not now; perhaps after so many seconds."""
    return Failure("unavailable", message, retry_after=retry_after)


def broken(message: str) -> Failure:
    """The plugin's own fault. The message is for operators; a caller from outside is told only that it failed."""
    return Failure("broken", message)
