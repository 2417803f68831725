"""Writing to the log."""

from __future__ import annotations

import io
import re
import traceback

from .imports import imported

# Folders of the place where the plugin was built.
_FOLDER = re.compile(r'File "/[0-9]+/')
_LEVELS = ("debug", "info", "warn", "error")


class Log:
    """Lines in the host's log, marked with the plugin, the organization and the trace."""

    def debug(self, message: str) -> None:
        """For whoever looks for a fault."""
        _write(0, message)

    def info(self, message: str) -> None:
        """Worth knowing."""
        _write(1, message)

    def warn(self, message: str) -> None:
        """Something is not as it should be."""
        _write(2, message)

    def error(self, message: str) -> None:
        """Something failed."""
        _write(3, message)

    def exception(self, error: BaseException) -> None:
        """Something failed: its traceback, a line of the log for each of its own."""
        for lines in traceback.format_exception(error):
            for line in lines.rstrip("\n").split("\n"):
                _write(3, _FOLDER.sub('File "', line))


def _write(level: int, message: str) -> None:
    log = imported("log")
    log.write(log.Level(level), message)


class Printed(io.TextIOBase):
    """What is printed, as lines of the log."""

    def __init__(self, level: str) -> None:
        self._level = _LEVELS.index(level)
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            _write(self._level, line)
        return len(text)

    def flush(self) -> None:
        """Lines are written when they end; what is left of one, when the call does."""

    def end(self) -> None:
        """Writes a line that was begun and not ended."""
        if self._begun:
            _write(self._level, self._begun)
            self._begun = ""
