/** Bytes that the host holds, and that may come in pieces. */
import { asking, bytes, decode, imported } from "./imports.ts";

const PIECE = 256 * 1024;

/**
 * Bytes of a request, of a blob, or of an answer. Given back as the content of a `Response` they are sent on without passing
 * through the plugin.
 */
export class Body {
  #first: Uint8Array;
  #raw: any;

  /** A body of these bytes, to which more may be appended. */
  constructor(content: Uint8Array | string = "", held?: { first: Uint8Array; raw: any }) {
    this.#first = held?.first ?? new Uint8Array();
    this.#raw = held === undefined ? new (imported("bodies").Body)(bytes(content, "a body")) : held.raw;
  }

  /** Puts bytes at the end of a body that the plugin made: 64 MiB in all. */
  append(content: Uint8Array | string): void {
    asking(() => this.#raw.append(bytes(content, "what is appended")));
  }

  /** The next bytes, at most so many; none at the end. */
  read(most = PIECE): Uint8Array {
    if (this.#first.length > 0) {
      const piece = this.#first.subarray(0, most);
      this.#first = this.#first.subarray(most);
      return piece;
    }
    return this.#raw == null ? new Uint8Array() : new Uint8Array(asking(() => this.#raw.read(most)));
  }

  /** All that is left. Think of the plugin's memory first. */
  readAll(): Uint8Array {
    const pieces = [...this];
    const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  /** All that is left, as UTF-8. */
  text(): string {
    return decode(this.readAll());
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    for (let piece = this.read(); piece.length > 0; piece = this.read()) {
      yield piece;
    }
  }

  /** Hands over what is left, for the host. */
  taken(): { first: Uint8Array; raw: any } {
    return { first: this.#first, raw: this.#raw ?? null };
  }
}
