/**
 * The host's side of the contract, as far as the plugin's manifest asks for it.
 *
 * The build makes a world for each plugin, which has what its manifest asks for and nothing else. The rest is missing here.
 */
import { Failure, broken, type Fault } from "./failure.ts";

/** The interfaces by their names in the contract: `db`, `filter-points`. */
export type Interfaces = Record<string, any>;

let interfaces: Interfaces = {};

/** Says which there are. Done once, by the module that the build writes. */
export function provide(given: Interfaces): void {
  interfaces = given;
}

/** The interface of that name. */
export function imported(name: string): any {
  const found = interfaces[name];
  if (found === undefined) {
    throw broken(
      `the plugin uses \`${name}\` and was built without it: ask for it under \`capabilities:\` in manifest.yaml, with a ` +
        `reason, and build the plugin again`,
    );
  }
  return found;
}

/** Asks the host, and throws what it refuses as a `Failure`. */
export function asking<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    const raw = (error as { payload?: any }).payload;
    if (raw === undefined || typeof raw.kind !== "string") {
      throw error;
    }
    throw new Failure(raw.kind, raw.message, {
      faults: raw.faults.map(received),
      retryAfter: raw.retryAfterMs == null ? undefined : raw.retryAfterMs / 1000,
      limit: raw.limit ?? undefined,
    });
  }
}

/** A fault as the host says it. */
export function received(raw: any): Fault {
  return { kind: raw.kind, place: JSON.parse(raw.place), message: raw.message, input: JSON.parse(raw.input) };
}

/** A value as the text that crosses the boundary. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value === undefined ? null : value);
}

/** A text for the host: anything else would end the instance. */
export function text(value: unknown, what: string): string {
  if (typeof value !== "string") {
    throw new TypeError(`${what} is a text, and ${value === null ? "null" : `a ${typeof value}`} was given`);
  }
  return value;
}

/** Bytes for the host, from bytes or from text as UTF-8. */
export function bytes(value: Uint8Array | string, what: string): Uint8Array {
  if (typeof value === "string") {
    return encode(value);
  }
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${what} is a text or a Uint8Array`);
  }
  return value;
}

/** Text as UTF-8. */
export function encode(value: string): Uint8Array {
  const letters = unescape(encodeURIComponent(value.toWellFormed()));
  const made = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) {
    made[at] = letters.charCodeAt(at);
  }
  return made;
}

/** UTF-8 as text. */
export function decode(value: Uint8Array): string {
  let letters = "";
  for (let at = 0; at < value.length; at += 8192) {
    letters += String.fromCharCode(...value.subarray(at, at + 8192));
  }
  try {
    return decodeURIComponent(escape(letters));
  } catch {
    throw new Failure("invalid", "these bytes are no UTF-8 text");
  }
}
