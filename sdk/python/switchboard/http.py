"""Requests to other servers: those alone that the manifest names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .imports import asking, imported
from .shape import json_text


@dataclass
class HttpResponse:
    """What the other server answered, whatever its status."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for found, value in self.headers if found == name.lower()), None)

    def text(self) -> str:
        """The content as UTF-8."""
        return self.content.decode()

    def json(self) -> Any:
        """The content as JSON."""
        return json.loads(self.content)


class Http:
    """Requests to other servers."""

    def send(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b"", body: Any = None
    ) -> HttpResponse:
        """Sends a request, with bytes or with a value as JSON, follows up to five redirects, and gives the answer."""
        http, header = imported("http"), imported("types").Header
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("content-type", "application/json")
            content = json_text(body).encode()
        lines = [header(name.lower(), value) for name, value in sent.items()]
        with asking():
            found = http.send(http.Request(method, url, lines, content))
        return HttpResponse(found.status, [(line.name, line.value) for line in found.headers], bytes(found.body))

    def get(self, url: str, headers: dict[str, str] | None = None) -> HttpResponse:
        """Sends a GET."""
        return self.send("GET", url, headers=headers)

    def post(self, url: str, body: Any = None, headers: dict[str, str] | None = None) -> HttpResponse:
        """Sends a POST with a value as JSON."""
        return self.send("POST", url, headers=headers, body=body)
