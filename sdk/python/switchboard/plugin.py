"""A plugin as its author writes it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from . import shape
from .context import Context
from .failure import Failure, invalid
from .moment import Moment
from .route import Route, hints_of
from .shape import json_text

F = TypeVar("F", bound=Callable[..., Any])

_HOOKS = {
    "on_install": "install",
    "on_load": "load",
    "on_enable": "enable",
    "on_config_changed": "config_changed",
    "on_disable": "disable",
    "on_upgrade": "upgrade",
    "on_unload": "unload",
    "on_uninstall": "uninstall",
}


@dataclass
class Event:
    """Something that happened. It comes at least once: the same `source` and `id` mean the same event."""

    id: str
    source: str
    name: str
    subject: str
    time: Moment
    organization: int | None
    actor: str
    trace: str
    data: Any
    attempt: int
    """1 the first time, 2 when delivered again."""

    def read(self, into: type[shape.T]) -> shape.T:
        """The data as a dataclass."""
        return shape.read(into, self.data, ["data"])


@dataclass
class TaskRun:
    """A run of a task."""

    name: str
    run: str
    """Names this run among all."""
    payload: Any
    """What it was asked for with; `None` when it runs by its schedule."""
    attempt: int
    """1 the first time, 2 when it is tried again."""


@dataclass
class Command:
    """A command that somebody gave."""

    name: str
    arguments: dict[str, Any]
    """The arguments that were given, by name: they fit what the manifest declares."""
    origin: dict[str, Any]
    """Where it was given: its `kind` is `api`, or the chat's word for itself, which then says more of the place."""

    def read(self, into: type[shape.T]) -> shape.T:
        """The arguments as a dataclass."""
        return shape.read(into, self.arguments, ["arguments"])


@dataclass
class Said:
    """What is said to whoever gave a command."""

    text: str
    """In Markdown."""
    ephemeral: bool = False
    """Whether it is for nobody but whoever gave the command."""


class Plugin:
    """A function for each thing that the manifest declares.

    Each method is a decorator, and takes the function as its last argument as well. What is declared and what is bound
    must agree: the host refuses a plugin in which either lacks the other, and names both.
    """

    def __init__(self, config_defaults: Any = None) -> None:
        self._config_defaults = config_defaults
        self._routes: list[Route] = []
        self._filters: dict[str, Callable[..., Any]] = {}
        self._listeners: dict[str, Callable[..., Any]] = {}
        self._services: dict[str, Callable[..., Any]] = {}
        self._tasks: dict[str, Callable[..., Any]] = {}
        self._commands: dict[str, Callable[..., Any]] = {}
        self._hooks: dict[str, Callable[..., Any]] = {}

    def get(self, path: str, function: F | None = None) -> Any:
        """Answers GET (and HEAD) at the path, as the manifest writes it."""
        return self._route("GET", path, function)

    def post(self, path: str, function: F | None = None) -> Any:
        """Answers POST at the path."""
        return self._route("POST", path, function)

    def put(self, path: str, function: F | None = None) -> Any:
        """Answers PUT at the path."""
        return self._route("PUT", path, function)

    def patch(self, path: str, function: F | None = None) -> Any:
        """Answers PATCH at the path."""
        return self._route("PATCH", path, function)

    def delete(self, path: str, function: F | None = None) -> Any:
        """Answers DELETE at the path."""
        return self._route("DELETE", path, function)

    def filter(self, point: str, function: F | None = None) -> Any:
        """Takes part in a filter point: gives the value back, changed or not, or `None` to leave it; a `conflict` is a
        veto."""
        return self._bind(self._filters, "filter", point, function)

    def on(self, pattern: str, function: F | None = None) -> Any:
        """Listens to events, by the pattern that the manifest declares."""
        return self._bind(self._listeners, "listener", pattern, function)

    def task(self, name: str, function: F | None = None) -> Any:
        """Does one of the plugin's tasks, when the manifest says or when it is asked for."""
        return self._bind(self._tasks, "task", name, function)

    def service(self, name: str, function: F | None = None) -> Any:
        """Offers a function to plugins that require this one."""
        return self._bind(self._services, "service", name, function)

    def command(self, name: str, function: F | None = None) -> Any:
        """Answers one of the plugin's commands: with a text in Markdown, or a `Said`. `invalid` says what is wrong, by argument."""
        return self._bind(self._commands, "command", name, function)

    def hook(self, name: str, function: F | None = None) -> Any:
        """Runs at a step of the plugin's life: `on_install`, `on_load`, `on_enable`, `on_config_changed`, `on_disable`,
        `on_upgrade`, `on_unload` or `on_uninstall`. With configuration or versions to tell, they are the second argument."""
        if name not in _HOOKS:
            raise ValueError(f"there is no hook `{name}`; there are {', '.join(_HOOKS)}")
        return self._bind(self._hooks, "hook", name, function)

    def _route(self, method: str, path: str, function: F | None) -> Any:
        def bind(function: F) -> F:
            self._routes.append(Route(method, path, function))
            return function

        return bind if function is None else bind(function)

    def _bind(self, bound: dict[str, Callable[..., Any]], kind: str, name: str, function: F | None) -> Any:
        def bind(function: F) -> F:
            if inspect.iscoroutinefunction(function):
                raise TypeError(f"`{function.__name__}` is `async`; a plugin's functions are plain, and the host waits for them")
            if name in bound:
                raise ValueError(f"the {kind} `{name}` is bound twice, to `{bound[name].__name__}` and `{function.__name__}`")
            bound[name] = function
            return function

        return bind if function is None else bind(function)

    def describe(self) -> dict[str, Any]:
        """What is bound, for the host."""
        return {
            "routes": [route.describe() for route in self._routes],
            "filters": list(self._filters),
            "listeners": list(self._listeners),
            "services": [
                {
                    "name": name,
                    "takes": shape.schema_of(_payload_hint(function)),
                    "gives": shape.schema_of(hints_of(function).get("return", Any)),
                }
                for name, function in self._services.items()
            ],
            "tasks": list(self._tasks),
            "commands": list(self._commands),
            "hooks": [_HOOKS[name] for name in self._hooks],
            "config_defaults": shape.write(self._config_defaults),
        }

    def _answer(self, context: Context, raw: Any) -> Any:
        if raw.route >= len(self._routes):
            raise Failure("broken", f"the plugin binds no route number {raw.route}")
        return self._routes[raw.route].handle(context, raw)

    def _filter(self, context: Context, point: str, payload: str) -> str | None:
        given = _call(_found(self._filters, "filter", point), context, json.loads(payload))
        return None if given is None else json_text(given)

    def _hear(self, context: Context, raw: Any) -> None:
        event = Event(
            raw.id,
            raw.source,
            raw.name,
            raw.subject,
            Moment.of_microseconds(raw.time),
            raw.organization,
            raw.actor,
            raw.trace,
            json.loads(raw.data),
            raw.attempt,
        )
        for pattern, function in self._listeners.items():
            if hears(pattern, event.name):
                function(context, event)

    def _do(self, context: Context, raw: Any) -> None:
        function = _found(self._tasks, "task", raw.name)
        function(context, TaskRun(raw.name, raw.run, json.loads(raw.payload), raw.attempt))

    def _serve(self, context: Context, service: str, payload: str) -> str:
        function = _found(self._services, "service", service)
        given = json.loads(payload)
        # Routes' bodies and filters' payloads were checked by the host; this comes from another plugin as it is.
        if faults := context.check(shape.schema_of(_payload_hint(function)), given, "payload"):
            first = f"{'.'.join(map(str, faults[0].place))}: {faults[0].message}"
            raise invalid(first if len(faults) == 1 else f"{len(faults)} fields break a rule", *faults)
        return json_text(_call(function, context, given))

    def _command(self, context: Context, name: str, arguments: str, origin: str) -> str:
        function = _found(self._commands, "command", name)
        said = function(context, Command(name, json.loads(arguments), json.loads(origin)))
        return json_text(said if isinstance(said, Said) else Said(said))

    def _run_hook(self, context: Context, name: str, details: str) -> None:
        function = self._hooks.get(name)
        if function is not None:
            told = json.loads(details)
            takes_more = len(inspect.signature(function).parameters) > 1
            if takes_more:
                _call(function, context, told.get("config", told))
            else:
                function(context)


def hears(pattern: str, name: str) -> bool:
    """Whether a listener of that pattern hears an event of that name: `*` is one word, `**` at the end one or more."""
    words = name.split(".")
    for position, wanted in enumerate(pattern.split(".")):
        if position >= len(words):
            return False
        if wanted == "**":
            return True
        if wanted not in ("*", words[position]):
            return False
    return len(words) == len(pattern.split("."))


def _found(bound: dict[str, Callable[..., Any]], kind: str, name: str) -> Callable[..., Any]:
    if name not in bound:
        raise Failure("broken", f"the plugin binds no {kind} `{name}`")
    return bound[name]


def _payload_hint(function: Callable[..., Any]) -> Any:
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) != 2:
        raise TypeError(f"`{function.__name__}` takes {len(parameters)} parameters; it takes two: the context and the payload")
    return hints_of(function).get(parameters[1], Any)


def _call(function: Callable[..., Any], context: Context, payload: Any) -> Any:
    return function(context, shape.read(_payload_hint(function), payload, []))
