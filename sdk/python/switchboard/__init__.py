"""Write Switchboard plugins in Python.

A plugin is a `manifest.yaml` that says what it contributes, and functions that are bound to each of those things:

    from switchboard import Context, Plugin

    plugin = Plugin()

    @plugin.get("/hello/{name}")
    def hello(ctx: Context, name: str) -> dict[str, str]:
        return {"text": f"Hello, {name}!"}

What a function takes and gives is in its type hints, and becomes the description by which the host checks requests
before the function is called. Read `Plugin` and `Context` first.
"""

from mashumaro.jsonschema.annotations import (
    MaxItems,
    Maximum,
    MaxLength,
    MinItems,
    Minimum,
    MinLength,
    MultipleOf,
    Pattern,
    UniqueItems,
)

from .answer import Created, NoContent, Response
from .body import Body
from .context import Actor, Context, Organization
from .failure import (
    Failure,
    Fault,
    broken,
    conflict,
    forbidden,
    invalid,
    not_found,
    rate_limited,
    too_large,
    unavailable,
)
from .moment import Moment
from .plugin import Command, Event, Plugin, Said, TaskRun
from .route import Request
from .secrets import Secret

__all__ = [
    "Actor",
    "Body",
    "Command",
    "Context",
    "Created",
    "Event",
    "Failure",
    "Fault",
    "MaxItems",
    "MaxLength",
    "Maximum",
    "MinItems",
    "MinLength",
    "Minimum",
    "Moment",
    "MultipleOf",
    "NoContent",
    "Organization",
    "Pattern",
    "Plugin",
    "Request",
    "Response",
    "Said",
    "Secret",
    "TaskRun",
    "UniqueItems",
    "broken",
    "conflict",
    "forbidden",
    "invalid",
    "not_found",
    "rate_limited",
    "too_large",
    "unavailable",
]
