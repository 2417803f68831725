"""What the component exports. The build names this module; it imports the author's `plugin.py` while the plugin is built.

The exports are answered by `Plugin`; here stands what holds of every call: what is raised becomes a failure, what is
printed comes into the log, and random numbers differ from instance to instance.
"""

from __future__ import annotations

# What the standard library imports when it is first needed, and could not any more in the component.
import _strptime  # noqa: F401
import dataclasses
import encodings.ascii
import encodings.idna
import encodings.latin_1
import linecache
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plugin as author
from componentize_py_types import Err
from switchboard import Context, Failure, Plugin, shape
from switchboard.imports import imported
from switchboard.log import Log, Printed
from switchboard.shape import json_text
from wit_world.exports import routes

if not isinstance(getattr(author, "plugin", None), Plugin):
    raise TypeError("plugin.py has no `plugin = Plugin()`; the build looks for it under that name")
_plugin: Plugin = author.plugin
_description = json_text(_plugin.describe())

_own = str(Path(author.__file__).parent)
for _module in list(sys.modules.values()):
    _file = str(getattr(_module, "__file__", None) or "")
    if _file.startswith(f"{_own}/"):
        # A traceback shows lines of the source; there is no file to read them from later.
        _lines = Path(_file).read_text().splitlines(keepends=True)
        linecache.cache[_file] = (len(_lines), None, _lines, _file)
        for _kind in list(vars(_module).values()):
            if isinstance(_kind, type) and dataclasses.is_dataclass(_kind) and _kind.__module__ == _module.__name__:
                shape.prepare(_kind)

_printed: list[Printed] = []


def _wake() -> None:
    """Done once in each instance: all of them begin as the same picture of the memory, taken when the plugin was built."""
    if not _printed:
        random.seed(bytes(imported("random").get_bytes(32)))
        _printed.extend([Printed("info"), Printed("warn")])
        sys.stdout, sys.stderr = _printed  # type: ignore[assignment]


def _answering(answer: Callable[[Context], Any]) -> Any:
    try:
        _wake()
        return answer(Context())
    except Failure as failure:
        if failure.kind == "broken":
            Log().exception(failure)
        raise Err(_sent(failure)) from None
    except BaseException as error:  # `SystemExit` too: it would end the instance.
        Log().exception(error)
        raise Err(_sent(Failure("broken", _told(error)))) from None
    finally:
        for printed in _printed:
            printed.end()


def _sent(failure: Failure) -> Any:
    types = imported("types")
    faults = [
        types.Fault(fault.kind, json_text(fault.place), fault.message, json_text(fault.input)) for fault in failure.faults
    ]
    after = failure.retry_after
    return types.Failure(
        failure.kind, failure.message, faults, None if after is None else max(0, round(after * 1000)), failure.limit
    )


def _told(error: BaseException) -> str:
    """An exception in one line, with the author's own line in which it came up."""
    told, trace = f"{type(error).__name__}: {error}", error.__traceback__
    where = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(_own) and file != __file__:
            where = f" ({file.removeprefix(_own).lstrip('/')}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return told + where


class Description:
    def describe(self) -> str:
        return _description


class Lifecycle:
    def run(self, hook: str, details: str) -> None:
        _answering(lambda context: _plugin._run_hook(context, hook, details))


class Routes:
    def handle(self, request: Any) -> Any:
        def answer(context: Context) -> Any:
            given = _plugin._answer(context, request)
            header = imported("types").Header
            content, rest = given._parts()
            lines = [header(name.lower(), value) for name, value in given.headers.items()]
            return routes.Response(given.status, lines, content, rest)

        return _answering(answer)


class Filters:
    def apply(self, point: str, payload: str) -> str | None:
        return _answering(lambda context: _plugin._filter(context, point, payload))


class Listeners:
    def hear(self, event: Any) -> None:
        _answering(lambda context: _plugin._hear(context, event))


class Tasks:
    def run(self, task: Any) -> None:
        _answering(lambda context: _plugin._do(context, task))


class OfferedServices:
    def answer(self, service: str, payload: str) -> str:
        return _answering(lambda context: _plugin._serve(context, service, payload))


class Commands:
    def run(self, name: str, arguments: str, origin: str) -> str:
        return _answering(lambda context: _plugin._command(context, name, arguments, origin))
