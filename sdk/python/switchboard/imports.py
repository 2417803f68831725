"""The host's side of the contract, as far as the plugin's manifest asks for it.

The build makes a world for each plugin, which has what its manifest asks for and nothing else. Here the rest is missing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .failure import Failure


_NAMES = (
    *("types", "bodies", "call", "log", "clock", "random", "config", "schemas", "audit", "filter_points", "metrics"),
    *("db", "kv", "blobs", "events", "services", "schedule", "secrets", "http", "mail"),
)

_interfaces: dict[str, Any] = {}

# Found while the plugin is built: later there is no file to import from.
for _name in _NAMES:
    try:
        _interfaces[_name] = importlib.import_module(f"wit_world.imports.{_name}")
    except ImportError:
        pass


def imported(name: str) -> Any:
    """The interface of that name, such as `db` or `filter_points`."""
    interface = _interfaces.get(name)
    if interface is None:
        raise Failure(
            "broken",
            f"the plugin uses `{name}` and was built without it: ask for it under `capabilities:` in manifest.yaml, with a "
            f"reason, and build the plugin again",
        )
    return interface


@contextmanager
def asking() -> Iterator[None]:
    """Raises what the host refuses as a `Failure`."""
    from componentize_py_types import Err

    try:
        yield
    except Err as error:
        raise Failure._received(error.value) from None
