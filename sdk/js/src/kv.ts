/** Small values with expiry. */
import { asking, bytes, decode, imported, jsonText, text } from "./imports.ts";
import { Moment } from "./moment.ts";

/** A small value. */
export interface Entry {
  value: Uint8Array;
  /** Changes with every write, and is never the same again. */
  version: number;
  expiresAt?: Moment;
}

/** Small values of at most 64 KiB, each organization's apart. A key is 1 to 200 bytes of text. */
export class Kv {
  /** The value under a key. */
  get(key: string): Entry | undefined {
    const found = asking(() => imported("kv").get(text(key, "a key")));
    if (found == null) {
      return undefined;
    }
    const expiresAt = found.expiresAt == null ? undefined : new Moment(found.expiresAt);
    return { value: new Uint8Array(found.value), version: found.version, expiresAt };
  }

  /** The JSON under a key. */
  getJson<T = unknown>(key: string): T | undefined {
    const found = this.get(key);
    return found === undefined ? undefined : JSON.parse(decode(found.value));
  }

  /** Sets the value under a key; gone after so many seconds, if that is said. */
  set(key: string, value: Uint8Array | string, expiresIn?: number): void {
    this.#write(key, value, expiresIn, null);
  }

  /** Sets the JSON under a key. */
  setJson(key: string, value: unknown, expiresIn?: number): void {
    this.set(key, jsonText(value), expiresIn);
  }

  /** Sets the value where there is none; false where there is one. */
  add(key: string, value: Uint8Array | string, expiresIn?: number): boolean {
    return this.#write(key, value, expiresIn, 0);
  }

  /** Sets the value where that version is there; false where it is not. */
  replace(key: string, version: number, value: Uint8Array | string, expiresIn?: number): boolean {
    return this.#write(key, value, expiresIn, version);
  }

  /** Removes the value under a key; false when there was none. */
  delete(key: string): boolean {
    return asking(() => imported("kv").delete(text(key, "a key")));
  }

  /** The keys that begin so, in order, behind the one given. */
  list(prefix = "", after?: string, limit = 1000): string[] {
    return asking(() => imported("kv").listKeys(text(prefix, "a prefix"), after ?? null, limit));
  }

  #write(key: string, value: Uint8Array | string, expiresIn: number | undefined, onlyIf: number | null): boolean {
    const terms = {
      expiresInUs: expiresIn === undefined ? null : Math.max(0, Math.round(expiresIn * 1e6)),
      onlyIfVersion: onlyIf,
    };
    return asking(() => imported("kv").set(text(key, "a key"), bytes(value, "a value"), terms)) != null;
  }
}
