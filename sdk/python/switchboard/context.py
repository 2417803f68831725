"""What every handler can ask for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from . import shape
from .blobs import Blobs
from .db import Db
from .failure import Failure, Fault, invalid
from .http import Http
from .imports import asking, imported
from .kv import Kv
from .log import Log
from .mail import Mail
from .messages import Events, Schedule, Services, json_text
from .metrics import Metrics
from .moment import Moment
from .secrets import Secrets

T = TypeVar("T")


@dataclass(frozen=True)
class Organization:
    """An organization as a plugin sees it."""

    id: int
    """Its number, for a column `organization_id`."""
    slug: str
    """Its name in addresses."""
    name: str
    """The name people read."""


@dataclass(frozen=True)
class Actor:
    """Who is behind a call. What they may do is asked of `Context.require`."""

    kind: str
    """`user`, `token`, `plugin`, `system` or `anyone`."""
    name: str
    account: int | None
    roles: list[str]
    impersonator: str | None


class Context:
    """For whom the call is, and what the plugin was granted. A capability that was not granted answers each use with a
    `Failure` of kind `forbidden`."""

    def __init__(self) -> None:
        self._info = imported("call").get_info()

    @property
    def organization(self) -> Organization:
        """The organization that the call is for; `invalid` in a call that is for none."""
        found = self._info.organization
        if found is None:
            raise invalid("this is done for one organization: name it, for example by `X-Organization`")
        return Organization(found.id, found.slug, found.name)

    @property
    def actor(self) -> Actor:
        """Who is behind the call."""
        found = self._info.actor
        return Actor(found.kind, found.name, found.account, found.roles, found.impersonator)

    @property
    def address(self) -> str | None:
        """The IP address from which the request came; none where no request did."""
        return self._info.address

    @property
    def trace(self) -> str:
        """The id that joins what belongs together in logs and traces."""
        return self._info.trace

    def time_left(self) -> float:
        """The seconds left until the call is ended."""
        return imported("call").time_left_ms() / 1000

    def should_stop(self) -> bool:
        """Whether long work should be given up: nobody waits any more, or the time is up."""
        return imported("call").should_stop()

    def require(self, action: str, thing: str | None = None) -> None:
        """Refuses with `forbidden` unless the actor may do the action, such as `clip:delete`; with a thing, such as
        `clip:7`, unless they may do it to that one."""
        with asking():
            imported("call").require(action, thing)

    def may(self, action: str, thing: str | None = None) -> bool:
        """Whether the actor may do the action."""
        try:
            self.require(action, thing)
        except Failure as failure:
            if failure.kind != "forbidden":
                raise
            return False
        return True

    def now(self) -> Moment:
        """Now. Unlike `time.time()`, a test can set it."""
        return Moment.of_microseconds(imported("clock").now())

    def random(self, count: int) -> bytes:
        """So many random bytes, fit for secrets."""
        made = b""
        while len(made) < count:
            made += bytes(imported("random").get_bytes(min(count - len(made), 65536)))
        return made

    @overload
    def config(self) -> dict[str, Any]: ...
    @overload
    def config(self, into: type[T]) -> T: ...
    def config(self, into: Any = dict[str, Any]) -> Any:
        """The configuration for the organization of the call, all layers merged, without what the manifest asks for under
        `secrets`; as a dataclass, or a dictionary."""
        with asking():
            text = imported("config").read()
        return shape.read(into, json.loads(text), ["config"])

    def check(self, schema: dict[str, Any], value: Any, place: str = "value") -> list[Fault]:
        """Every fault of a value by a JSON Schema; none when it fits."""
        with asking():
            found = imported("schemas").check(json_text(schema), json_text(value), [place])
        return [Fault(fault.kind, json.loads(fault.place), fault.message, json.loads(fault.input)) for fault in found]

    def filter(self, point: str, payload: T) -> T:
        """Passes a value through every plugin that takes part in one of this plugin's filter points, and gives what comes
        out, of the same type. A veto is a `conflict`."""
        with asking():
            text = imported("filter_points").apply(point, json_text(payload))
        made = json.loads(text)
        return shape.read(type(payload), made, []) if shape.is_dataclass(type(payload)) else made

    def audit(self, action: str, subject: str, before: Any = None, after: Any = None) -> None:
        """Writes a line to the audit log of the installation: whoever is behind the call did this to that, such as
        `exported` to `clip:7`. Secrets are never in it."""
        audit = imported("audit")
        with asking():
            audit.record_entry(audit.Entry(action, subject, json_text(before), json_text(after)))

    @property
    def log(self) -> Log:
        """Writing to the log."""
        return Log()

    @property
    def metrics(self) -> Metrics:
        """Numbers of the plugin's own, for whoever watches the server."""
        return Metrics()

    @property
    def db(self) -> Db:
        """The plugin's tables."""
        return Db()

    @property
    def kv(self) -> Kv:
        """Small values with expiry."""
        return Kv()

    @property
    def blobs(self) -> Blobs:
        """Large values."""
        return Blobs()

    @property
    def events(self) -> Events:
        """Saying what happened."""
        return Events()

    @property
    def services(self) -> Services:
        """Calling plugins that the manifest requires."""
        return Services()

    @property
    def schedule(self) -> Schedule:
        """Work to be done apart from this call."""
        return Schedule()

    @property
    def secrets(self) -> Secrets:
        """Secret settings by name."""
        return Secrets()

    @property
    def http(self) -> Http:
        """Requests to other servers."""
        return Http()

    @property
    def mail(self) -> Mail:
        """Messages to people."""
        return Mail()
