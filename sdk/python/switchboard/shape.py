"""Types as JSON Schemas, and values as JSON: both by mashumaro, made once for each type, while the plugin is built."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from mashumaro.codecs.basic import BasicDecoder, BasicEncoder
from mashumaro.exceptions import (
    ExtraKeysError,
    InvalidFieldValue,
    MissingDiscriminatorError,
    MissingField,
    SuitableVariantNotFoundError,
)
from mashumaro.jsonschema import build_json_schema
from mashumaro.jsonschema.dialects import DRAFT_2020_12

from .failure import Failure, Fault

T = TypeVar("T")

_UNFIT = (
    ExtraKeysError,
    InvalidFieldValue,
    MissingDiscriminatorError,
    MissingField,
    SuitableVariantNotFoundError,
    ValueError,
    TypeError,
    LookupError,
)


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a type. Members that it does not name are passed over, as in plugins of other languages."""
    if hint is Any or hint is inspect.Parameter.empty:
        return {}
    return _open(build_json_schema(hint, dialect=DRAFT_2020_12).to_dict())


def _open(schema: Any) -> Any:
    """A dataclass takes further members; a dictionary's are described by a schema, which stays."""
    match schema:
        case dict():
            items = schema.items()
            return {
                word: _open(value) for word, value in items if not (word == "additionalProperties" and value is False)
            }
        case list():
            return [_open(item) for item in schema]
    return schema


def without_none(hint: Any) -> Any:
    """`int` of `int | None`: what is in an address is not null, it is missing."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        return functools.reduce(lambda one, other: one | other, rest)
    return hint


def is_dataclass(hint: Any) -> bool:
    """Whether the type is a dataclass, or one in `Annotated`, a list or a union."""
    if typing.get_origin(hint) is Annotated:
        return is_dataclass(typing.get_args(hint)[0])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return True
    return any(is_dataclass(part) for part in typing.get_args(hint))


_decoders: dict[Any, Callable[[Any], Any]] = {}
_encoders: dict[Any, Callable[[Any], Any]] = {}


def decoder(hint: Any) -> Callable[[Any], Any]:
    """What makes a value of that type out of JSON."""
    if hint is Any or hint is inspect.Parameter.empty or hint is None:
        return lambda value: value
    return _cached(_decoders, hint, lambda: BasicDecoder(hint).decode)


def encoder(hint: Any) -> Callable[[Any], Any]:
    """What makes JSON out of a value of that type."""
    return _cached(_encoders, hint, lambda: BasicEncoder(hint).encode)


def _cached(cache: dict[Any, Callable[[Any], Any]], hint: Any, make: Callable[[], Any]) -> Callable[[Any], Any]:
    try:
        if hint not in cache:
            cache[hint] = make()
        return cache[hint]
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return make()


def prepare(kind: type) -> None:
    """Makes both for a dataclass ahead, while the plugin is built, rather than in each of its instances."""
    decoder(kind)
    encoder(kind)


def read(hint: Any, value: Any, place: list[str | int]) -> Any:
    """A value as that type; what does not fit is `invalid`, with its place."""
    try:
        return decoder(hint)(value)
    except _UNFIT as error:
        at, words = list(place), str(error)
        match error:
            case MissingField():
                at, words = [*place, error.field_name], "Field required"
            case InvalidFieldValue():
                at = [*place, error.field_name]
        kind = "missing" if isinstance(error, MissingField) else "value_error"
        where = ".".join(map(str, at)) or "the value"
        raise Failure("invalid", f"{where}: {words}", faults=[Fault(kind, at, words, value)]) from None


def write(value: Any) -> Any:
    """A value as JSON: dataclasses, lists and dictionaries of them, and what JSON knows by itself."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [write(item) for item in value]
        case dict():
            return {str(name): write(item) for name, item in value.items()}
    return encoder(type(value))(value)


def json_text(value: Any) -> str:
    """A value as the text that crosses the boundary."""
    return json.dumps(write(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
