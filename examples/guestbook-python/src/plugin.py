"""A guestbook, in Python: the plugin that `docs/writing-a-plugin.md` writes in Rust.

Everything belongs to the organization of the call: each statement names it.
"""

from dataclasses import dataclass
from typing import Annotated

from switchboard import (
    Command,
    Context,
    Created,
    Event,
    Maximum,
    MaxLength,
    Minimum,
    MinLength,
    Plugin,
    Said,
    TaskRun,
    conflict,
    invalid,
)

plugin = Plugin()


@dataclass
class Entry:
    """An entry as it is kept."""

    id: int
    name: str
    message: str
    signed_at: str
    """In UTC."""


@dataclass
class NewEntry:
    """An entry as a guest sends it."""

    name: Annotated[str, MinLength(1), MaxLength(80)]
    message: Annotated[str, MinLength(1), MaxLength(1000)]


@dataclass
class Settings:
    keep: int
    refused_words: list[str]


@plugin.get("/entries")
def list_entries(
    ctx: Context, limit: Annotated[int, Minimum(1), Maximum(100)] = 20, before: int | None = None
) -> list[Entry]:
    return newest(ctx, limit, before)


def newest(ctx: Context, limit: int, before: int | None = None) -> list[Entry]:
    """The newest entries, at most so many; only those older than the entry of an id, if one is named."""
    sql = """select id, name, message, signed_at from entry
             where organization_id = $1 and (cast($2 as bigint) is null or id < $2)
             order by id desc limit $3"""
    return ctx.db.query(sql, ctx.organization.id, before, limit, into=Entry)


@plugin.post("/entries")
def sign(ctx: Context, new: NewEntry) -> Created[Entry]:
    new = ctx.filter("guestbook.signing", new)

    sql = """insert into entry (organization_id, name, message, signed_at)
             values ($1, $2, $3, $4) returning id, name, message, signed_at"""
    with ctx.db.transaction() as tx:
        (entry,) = tx.query(sql, ctx.organization.id, new.name, new.message, str(ctx.now()), into=Entry)
        tx.emit("guestbook.signed", f"entry/{entry.id}", entry)
    ctx.metrics.count("signatures")

    return Created(entry)


@plugin.filter("guestbook.signing")
def refuse_words(ctx: Context, new: NewEntry) -> NewEntry:
    """Takes the blanks off both ends of the message, and refuses one with nothing left or with a refused word in it."""
    new.message = new.message.strip()
    if not new.message:
        raise invalid("a message of blanks says nothing")
    said = new.message.lower()
    for word in ctx.config(Settings).refused_words:
        if word.lower() in said:
            raise conflict(f"a message with `{word}` in it is refused here")
    return new


@plugin.on("guestbook.signed")
def after_signing(ctx: Context, event: Event) -> None:
    """Has the oldest entries removed. The same event may come twice; removing twice does no harm."""
    entry = event.read(Entry)
    ctx.log.info(f"{entry.name} signed")
    ctx.schedule.run("tidy")


@plugin.task("tidy")
def remove_oldest(ctx: Context, run: TaskRun) -> None:
    """Removes all entries of the organization but the newest."""
    sql = """delete from entry where organization_id = $1 and id not in
             (select id from entry where organization_id = $1 order by id desc limit $2)"""
    removed = ctx.db.execute(sql, ctx.organization.id, ctx.config(Settings).keep)
    ctx.schedule.output({"removed": removed})


@dataclass
class Whose:
    """Whose entries; everybody's without a name."""

    name: str | None = None


@dataclass
class Count:
    entries: int


@plugin.service("guestbook.count")
def count(ctx: Context, whose: Whose) -> Count:
    sql = "select count(*) from entry where organization_id = $1 and (cast($2 as text) is null or name = $2)"
    return Count(ctx.db.query_value(sql, ctx.organization.id, whose.name))


@plugin.command("signatures")
def tell(ctx: Context, command: Command) -> str | Said:
    """Tells who signed last. That nobody has is told to nobody but whoever asks."""
    entries = newest(ctx, command.arguments.get("count", 3))
    if not entries:
        return Said("Nobody has signed yet.", ephemeral=True)
    return "\n".join(f"- **{entry.name}**: {entry.message}" for entry in entries)
