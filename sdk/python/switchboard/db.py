"""The plugin's tables, on SQLite or PostgreSQL. Statements take their parameters as `$1`, `$2`, …."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import shape
from .failure import broken
from .imports import asking, imported
from .messages import new_event

if TYPE_CHECKING:
    from .plugin import Event

T = TypeVar("T")


class _Statements:
    """What statements are run by: the tables, or a transaction on them."""

    def _runner(self) -> Any:
        raise NotImplementedError

    @overload
    def query(self, sql: str, *params: Any) -> list[dict[str, Any]]: ...
    @overload
    def query(self, sql: str, *params: Any, into: type[T]) -> list[T]: ...
    def query(self, sql: str, *params: Any, into: Any = None) -> Any:
        """The rows of a statement, each a dictionary by column, or a dataclass with a field for each column."""
        with asking():
            found = self._runner().query(sql, [_cell(value) for value in params])
        width = len(found.columns)
        values = [getattr(cell, "value", None) for cell in found.cells]
        rows = [dict(zip(found.columns, values[at : at + width])) for at in range(0, len(values), width or 1)]
        return rows if into is None else [_row(into, row) for row in rows]

    @overload
    def query_one(self, sql: str, *params: Any) -> dict[str, Any] | None: ...
    @overload
    def query_one(self, sql: str, *params: Any, into: type[T]) -> T | None: ...
    def query_one(self, sql: str, *params: Any, into: Any = None) -> Any:
        """The first row; none when there is none."""
        return next(iter(self.query(sql, *params, into=into)), None)

    def query_value(self, sql: str, *params: Any) -> Any:
        """The first column of the first row; `None` when there is no row."""
        row = self.query_one(sql, *params)
        return None if row is None else next(iter(row.values()), None)

    def execute(self, sql: str, *params: Any) -> int:
        """Runs a statement, and gives the number of rows changed."""
        with asking():
            return self._runner().execute(sql, [_cell(value) for value in params])


class Db(_Statements):
    """The plugin's tables. A statement is a transaction of its own."""

    def _runner(self) -> Any:
        return imported("db")

    def engine(self) -> str:
        """Which database it is, where a statement must differ: `sqlite` or `postgres`."""
        with asking():
            return imported("db").engine()

    def transaction(self) -> Transaction:
        """Statements that take effect together, or not at all:

            with ctx.db.transaction() as tx:
                tx.execute("…")

        Leaving the block commits, and an exception undoes all of it. It may last a few seconds at most.
        """
        return Transaction()


class Transaction(_Statements):
    """Statements that take effect together, or not at all."""

    def __init__(self) -> None:
        self._raw: Any = None

    def _runner(self) -> Any:
        if self._raw is None:
            raise broken("a transaction is used outside of its `with` block")
        return self._raw

    def first_time(self, event: Event) -> bool:
        """Notes that an event is handled in this transaction; false when it was already, so that there is nothing to do."""
        with asking():
            return imported("db").first_time(self._runner(), event.source, event.id)

    def emit(self, name: str, subject: str, data: Any = None) -> None:
        """Says that something happened, if and when the transaction commits. Asks for `events`."""
        with asking():
            self._runner().emit(new_event(name, subject, data))

    def __enter__(self) -> Transaction:
        with asking():
            self._raw = imported("db").begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raw, self._raw = self._raw, None
        if kind is None:
            with asking():
                imported("db").Transaction.commit(raw)
        else:
            raw.__exit__(None, None, None)


def _cell(value: Any) -> Any:
    db = imported("db")
    match value:
        case None:
            return db.Value_Null()
        case bool():
            return db.Value_Boolean(value)
        case int():
            return db.Value_Integer(value)
        case float():
            return db.Value_Real(value)
        case str():
            return db.Value_Text(value)
        case bytes() | bytearray() | memoryview():
            return db.Value_Bytes(bytes(value))
    raise TypeError(
        f"a `{type(value).__name__}` is no parameter of a statement: give None, bool, int, float, str or bytes, such as "
        f"`str(…)` of it"
    )


def _row(into: Any, row: dict[str, Any]) -> Any:
    try:
        return shape.decoder(into)(row)
    except Exception as error:
        raise broken(f"a row does not have the shape that the plugin expects: {error}") from error
