"""Numbers of the plugin's own."""

from __future__ import annotations

from .imports import imported


class Metrics:
    """Numbers of the plugin's own, which the server shows at `/metrics`.

    Nothing here fails: what breaks a rule, and what is beyond the 200 series that a plugin may have, is left out, counted, and
    said once in the log. A name is of `a-z`, `0-9` and `_`, a letter first, and ends in none of `_total`, `_bucket`, `_sum` and
    `_count`; a metric has four labels at most. Names and what labels say have 64 characters at most.
    """

    def count(self, name: str, more: int = 1, /, **labels: str) -> None:
        """So many more of a counter, which only grows: `ctx.metrics.count("seeds_made", preset="standard")`."""
        imported("metrics").count(name, more, list(labels.items()))

    def set(self, name: str, now: float, /, **labels: str) -> None:
        """What a gauge is now."""
        imported("metrics").set(name, float(now), list(labels.items()))

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """One value of a histogram, such as how many seconds something took. Its buckets end at 1 and 5 of each power of ten,
        from 0.001 to 1,000."""
        imported("metrics").observe(name, float(value), list(labels.items()))
