"""Points in time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Moment(datetime):
    """A point in time in UTC, to the microsecond: a `datetime` that is written as `2026-01-02T03:04:05Z`."""

    @classmethod
    def of_microseconds(cls, microseconds: int) -> Moment:
        """So many microseconds after 1970-01-01T00:00:00Z."""
        at = _EPOCH + timedelta(microseconds=microseconds)
        return cls(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, timezone.utc)

    def microseconds(self) -> int:
        """How many microseconds after 1970-01-01T00:00:00Z."""
        return (self - _EPOCH) // timedelta(microseconds=1)

    def __str__(self) -> str:
        text = self.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{self.microsecond:06}".rstrip("0") if self.microsecond else ""
        return f"{text}{fraction}Z"
