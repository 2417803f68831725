import { Plugin, conflict } from "switchboard";
import * as Type from "switchboard/type";

const plugin = new Plugin();

plugin.get("/count", { query: { name: Type.Optional(Type.String()), odd: Type.Optional(Type.Boolean()) }, gives: Type.Any() }, (ctx, { query }) =>
  ctx.services.call("guestbook.count", query.odd ? { name: 7 } : query.name === undefined ? {} : { name: query.name }),
);

plugin.filter("guestbook.signing", (ctx, entry) => {
  if (!ctx.config().refuse) return;
  const { entries } = ctx.services.call("guestbook.count", { name: entry.name });
  if (entries > 0) throw conflict(`${entry.name} has signed before`);
});

export default plugin;
