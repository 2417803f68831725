/**
 * Write Switchboard plugins in JavaScript and TypeScript.
 *
 * A plugin is a `manifest.yaml` that says what it contributes, and functions that are bound to each of those things:
 *
 *     import { Plugin } from "switchboard";
 *
 *     const plugin = new Plugin();
 *     plugin.get("/hello/{name}", {}, (ctx, { path }) => ({ text: `Hello, ${path.name}!` }));
 *     export default plugin;
 *
 * What a route takes and gives is described by `Type` of `switchboard/type`, and becomes both the type of the function's arguments and the JSON
 * Schema by which the host checks requests before the function is called. Read `Plugin` and `Context` first.
 */
export type { Static, TSchema } from "typebox";
export { Body } from "./body.ts";
export type { Blob, BlobInfo, Blobs, File, Writer } from "./blobs.ts";
export { Context, type Actor, type Organization } from "./context.ts";
export type { Db, Row, Transaction, Value } from "./db.ts";
export {
  Failure,
  type Fault,
  broken,
  conflict,
  forbidden,
  invalid,
  notFound,
  rateLimited,
  tooLarge,
  unavailable,
} from "./failure.ts";
export type { HttpResponse } from "./http.ts";
export type { Entry } from "./kv.ts";
export { Moment } from "./moment.ts";
export { Plugin, type Command, type Event, type Hook, type Said, type TaskRun } from "./plugin.ts";
export { Response, type Request } from "./route.ts";
export { Secret } from "./secrets.ts";
