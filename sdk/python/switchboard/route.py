"""A route: what its function takes and gives, by the function's type hints."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable
from typing import Any

from . import shape
from .answer import Created, NoContent, Response, response_of
from .body import Body
from .context import Context

_BINARY = {"content_type": "application/octet-stream", "schema": {"type": "string", "format": "binary"}}


class Request:
    """A request as it came: take it where headers, or a body that is no JSON, are wanted."""

    def __init__(self, raw: Any) -> None:
        self.head_only: bool = raw.head_only
        """Whether only the head of the answer is wanted."""
        self.body = Body(_first=raw.content, _raw=raw.rest)
        """The bytes that were sent."""
        self._headers = raw.headers

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        wanted = name.lower()
        return next((header.value for header in self._headers if header.name == wanted), None)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, as they came."""
        return [(header.name, header.value) for header in self._headers]


class _Parameter:
    def __init__(self, parameter: inspect.Parameter, hint: Any) -> None:
        self.name = parameter.name
        self.hint = hint
        self.required = parameter.default is inspect.Parameter.empty
        self.default = None if self.required else parameter.default


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The type hints of a function, `Annotated` and all."""
    return typing.get_type_hints(function, include_extras=True)


def sentence(function: Callable[..., Any]) -> str:
    """What a function does, in a few words: the first line of its documentation, or its name."""
    first = (inspect.getdoc(function) or "").split("\n", 1)[0].rstrip(".")
    return first or function.__name__.replace("_", " ").capitalize()


class Route:
    """A route, and the function that answers it."""

    def __init__(self, method: str, path: str, function: Callable[..., Any]) -> None:
        self.key = f"{method} {path}"
        self._function = function
        hints = hints_of(function)
        in_path = [name.lstrip("*") for name in re.findall(r"\{([^}]*)\}", path)]
        self._context: str | None = None
        self._request: str | None = None
        self._body: _Parameter | None = None
        self._path: list[_Parameter] = []
        self._query: list[_Parameter] = []
        for parameter in inspect.signature(function).parameters.values():
            hint = hints.get(parameter.name, str)
            if hint is Context or parameter.name == "ctx":
                self._context = parameter.name
            elif hint is Request:
                self._request = parameter.name
            elif parameter.name in in_path:
                self._path.append(_Parameter(parameter, hint))
            elif parameter.name == "body" or shape.is_dataclass(hint):
                self._take_body(_Parameter(parameter, hint))
            else:
                self._query.append(_Parameter(parameter, hint))
        names = [parameter.name for parameter in self._path]
        if missing := [name for name in in_path if name not in names]:
            raise TypeError(f"`{function.__name__}` answers `{self.key}` and takes no parameter `{missing[0]}`")
        self._answers = hints.get("return", Any)

    def _take_body(self, parameter: _Parameter) -> None:
        if self._body is not None:
            raise TypeError(
                f"`{self._function.__name__}` takes two bodies, `{self._body.name}` and `{parameter.name}`: give the one "
                f"that is a query parameter a plain type"
            )
        self._body = parameter

    def describe(self) -> dict[str, Any]:
        """The route in the description."""
        parameters = [
            {
                "name": parameter.name,
                "place": "path",
                "required": True,
                "schema": shape.schema_of(shape.without_none(parameter.hint)),
            }
            for parameter in self._path
        ]
        for parameter in self._query:
            schema = shape.schema_of(shape.without_none(parameter.hint))
            if parameter.default is not None:
                schema["default"] = shape.write(parameter.default)
            parameters.append(
                {"name": parameter.name, "place": "query", "required": parameter.required, "schema": schema}
            )
        body = None
        if self._body is not None:
            body = {"content_type": "application/json", "schema": shape.schema_of(self._body.hint)}
        elif self._request is not None and not self.key.startswith("GET "):
            body = _BINARY
        return {
            "key": self.key,
            "id": self._function.__name__,
            "summary": sentence(self._function),
            "parameters": parameters,
            "body": body,
            "answers": [_answer(self._answers)],
        }

    def handle(self, context: Context, raw: Any) -> Response:
        """Answers a request."""
        arguments: dict[str, Any] = {}
        if self._context is not None:
            arguments[self._context] = context
        given = {name: json.loads(value) for name, value in raw.params}
        for parameter in self._path:
            arguments[parameter.name] = shape.read(parameter.hint, given.get(parameter.name), ["path", parameter.name])
        query = json.loads(raw.query) if self._query else {}
        for parameter in self._query:
            if parameter.name in query:
                value = shape.read(parameter.hint, query[parameter.name], ["query", parameter.name])
            else:
                value = parameter.default
            arguments[parameter.name] = value
        request = Request(raw)
        if self._body is not None:
            value = json.loads(request.body.read_all())
            arguments[self._body.name] = shape.read(self._body.hint, value, ["body"])
        if self._request is not None:
            arguments[self._request] = request
        return response_of(self._function(**arguments))


def _answer(hint: Any) -> dict[str, Any]:
    kind = typing.get_origin(hint) or hint
    if kind is Response:
        return {"status": 200, "description": "The content", "body": _BINARY}
    if kind in (NoContent, None, types.NoneType):
        return {"status": 204, "description": "Done; there is nothing to say", "body": None}
    if kind is Created:
        value = next(iter(typing.get_args(hint)), Any)
        return {"status": 201, "description": "Created", "body": _json(value)}
    return {"status": 200, "description": "Done", "body": _json(hint)}


def _json(hint: Any) -> dict[str, Any]:
    return {"content_type": "application/json", "schema": shape.schema_of(hint)}
