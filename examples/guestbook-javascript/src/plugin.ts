// A guestbook, in TypeScript: the plugin that `docs/writing-a-plugin.md` writes in Rust.
//
// Everything belongs to the organization of the call: each statement names it.

import { Plugin, conflict, invalid, type Context, type Static } from "switchboard";
import * as Type from "switchboard/type";

/** An entry as it is kept. `signed_at` is in UTC. */
const Entry = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  message: Type.String(),
  signed_at: Type.String(),
});
type Entry = Static<typeof Entry>;

/** An entry as a guest sends it. */
const NewEntry = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 80 }),
  message: Type.String({ minLength: 1, maxLength: 1000 }),
});
type NewEntry = Static<typeof NewEntry>;

/** Which part of the list: how many entries at most, and only those older than the entry of this id. */
const part = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  before: Type.Optional(Type.Integer()),
};

interface Settings {
  keep: number;
  refused_words: string[];
}

const plugin = new Plugin();

plugin.get("/entries", { query: part, gives: Type.Array(Entry) }, function listEntries(ctx, { query }) {
  return newest(ctx, query.limit, query.before);
});

/** The newest entries, at most so many; only those older than the entry of an id, if one is named. */
function newest(ctx: Context, limit: number, before?: number): Entry[] {
  const sql = `select id, name, message, signed_at from entry
               where organization_id = $1 and (cast($2 as bigint) is null or id < $2)
               order by id desc limit $3`;
  return ctx.db.query<Entry>(sql, ctx.organization.id, before, limit);
}

plugin.post("/entries", { body: NewEntry, creates: Entry }, function sign(ctx, { body }) {
  const { name, message } = ctx.filter("guestbook.signing", body);

  const sql = `insert into entry (organization_id, name, message, signed_at)
               values ($1, $2, $3, $4) returning id, name, message, signed_at`;
  const signed = ctx.db.transaction((tx) => {
    const [entry] = tx.query<Entry>(sql, ctx.organization.id, name, message, String(ctx.now()));
    if (entry === undefined) throw new Error("an entry was stored and is not there");
    tx.emit("guestbook.signed", `entry/${entry.id}`, entry);
    return entry;
  });
  ctx.metrics.count("signatures");
  return signed;
});

// Takes the blanks off both ends of the message, and refuses one with nothing left or with a refused word in it.
plugin.filter<NewEntry>("guestbook.signing", (ctx, entry) => {
  const message = entry.message.trim();
  if (message === "") throw invalid("a message of blanks says nothing");
  const said = message.toLowerCase();
  const word = ctx.config<Settings>().refused_words.find((word) => said.includes(word.toLowerCase()));
  if (word !== undefined) throw conflict(`a message with \`${word}\` in it is refused here`);
  return { ...entry, message };
});

// Has the oldest entries removed. The same event may come twice; removing twice does no harm.
plugin.on<Entry>("guestbook.signed", (ctx, event) => {
  ctx.log.info(`${event.data.name} signed`);
  ctx.schedule.run("tidy");
});

// Removes all entries of the organization but the newest.
plugin.task("tidy", (ctx) => {
  const sql = `delete from entry where organization_id = $1 and id not in
               (select id from entry where organization_id = $1 order by id desc limit $2)`;
  const removed = ctx.db.execute(sql, ctx.organization.id, ctx.config<Settings>().keep);
  ctx.schedule.output({ removed });
});

/** Whose entries; everybody's without a name. */
const Whose = Type.Object({ name: Type.Optional(Type.Union([Type.String(), Type.Null()])) });
const Count = Type.Object({ entries: Type.Integer() });

plugin.service("guestbook.count", { takes: Whose, gives: Count }, (ctx, whose) => {
  const sql = "select count(*) from entry where organization_id = $1 and (cast($2 as text) is null or name = $2)";
  return { entries: ctx.db.queryValue<number>(sql, ctx.organization.id, whose.name) ?? 0 };
});

// Tells who signed last. That nobody has is told to nobody but whoever asks.
plugin.command<{ count?: number }>("signatures", (ctx, { arguments: { count } }) => {
  const entries = newest(ctx, count ?? 3);
  if (entries.length === 0) return { text: "Nobody has signed yet.", ephemeral: true };
  return entries.map(({ name, message }) => `- **${name}**: ${message}`).join("\n");
});

export default plugin;
