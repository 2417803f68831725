"""What is said to other plugins, and to the plugin's own future self."""

from __future__ import annotations

import json
from typing import Any, TypeVar, overload

from . import shape
from .imports import asking, imported
from .shape import json_text

T = TypeVar("T")


def new_event(name: str, subject: str, data: Any) -> Any:
    """An event that is about to be said."""
    return imported("types").NewEvent(name, subject, json_text(data))


class Events:
    """Saying what happened."""

    def emit(self, name: str, subject: str, data: Any = None) -> None:
        """Says it, apart from any change. An event that reports a change belongs in the change's transaction."""
        with asking():
            imported("events").emit(new_event(name, subject, data))


class Services:
    """Calling plugins that the manifest requires."""

    @overload
    def call(self, service: str, payload: Any = None) -> Any: ...
    @overload
    def call(self, service: str, payload: Any = None, *, into: type[T]) -> T: ...
    def call(self, service: str, payload: Any = None, *, into: Any = Any) -> Any:
        """Calls a service, such as `presets.get`, for the organization of this call."""
        with asking():
            text = imported("services").call(service, json_text(payload))
        return shape.read(into, json.loads(text), [service])


class Schedule:
    """Work to be done apart from a call."""

    def run(self, task: str, payload: Any = None) -> str:
        """Has one of the plugin's tasks done soon, at least once, for the organization of this call; gives the run's
        name."""
        with asking():
            return imported("schedule").run(task, json_text(payload))

    def progress(self, share: float, message: str = "") -> None:
        """Says how far the running task is, from 0 to 1, and what it is doing."""
        imported("schedule").progress(float(share), message)

    def output(self, value: Any) -> None:
        """Keeps what came of the running task, for whoever looks at its runs: at most 64 KiB of JSON. The last one stays."""
        with asking():
            imported("schedule").output(json_text(value))

    def set(self, name: str, plan: dict[str, Any]) -> None:
        """Keeps a plan for the organization of this call, in place of the plugin's plan of that name.

        A plan has `task`, one of `cron`, `every_seconds` and `at` (a moment as `2026-05-01T12:00:00Z`), and where wanted `payload`,
        `time_zone`, `jitter_seconds`, `if_running` and `catch_up`: `{"task": "remind", "cron": "0 9 * * MON"}`."""
        with asking():
            imported("schedule").set_plan(name, json_text(plan))

    def remove(self, name: str) -> bool:
        """Gives up a plan; false when there was none. What is under way goes on."""
        with asking():
            return imported("schedule").remove_plan(name)

    def list(self) -> list[dict[str, Any]]:
        """The plugin's plans for the organization of this call, by name, without those of the manifest: of each its `name`,
        `plan`, `paused`, `next_at` and `last_at`."""
        with asking():
            return json.loads(imported("schedule").list_plans())
