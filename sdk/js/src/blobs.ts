/** Large values, each organization's apart. */
import { Body } from "./body.ts";
import { asking, bytes, imported, text } from "./imports.ts";
import { Moment } from "./moment.ts";

/** What is known of a blob without reading it. */
export interface BlobInfo {
  size: number;
  etag: string;
  modified: Moment;
}

/** A blob, or a part of it. */
export interface Blob {
  /** What is known of the whole. */
  info: BlobInfo;
  start: number;
  /** The byte behind the last of the part. */
  end: number;
  body: Body;
}

/** A blob that is read here and there. */
export class File {
  #raw: any;

  constructor(raw: any) {
    this.#raw = raw;
  }

  /** Its size in bytes. */
  get size(): number {
    return this.#raw.size();
  }

  /** At most so many bytes from there; none at the end, and perhaps fewer than asked for. */
  readAt(offset: number, most: number): Uint8Array {
    return new Uint8Array(asking(() => this.#raw.readAt(offset, most)));
  }
}

/** A blob that is being written. */
export class Writer {
  #raw: any;

  constructor(raw: any) {
    this.#raw = raw;
  }

  /** More bytes. */
  write(content: Uint8Array | string): void {
    asking(() => this.#raw.write(bytes(content, "what is written")));
  }
}

/** Large values. A key is words of letters, digits, `.`, `_` and `-`, joined by `/`. */
export class Blobs {
  #owner: string | null;

  constructor(owner: string | null = null) {
    this.#owner = owner;
  }

  /** Those of another plugin that shares them. */
  of(owner: string): Blobs {
    return new Blobs(owner);
  }

  /** Stores all of it, or nothing, in place of what was there. */
  put(key: string, content: Uint8Array | string | Body): BlobInfo {
    const held = content instanceof Body ? content.taken() : new Body(content).taken();
    if (held.first.length > 0 || held.raw === null) {
      return this.write(key, (writer) => {
        for (const piece of content as Body) {
          writer.write(piece);
        }
      });
    }
    return info(asking(() => imported("blobs").put(text(key, "a key"), held.raw)));
  }

  /** Stores what the function writes, all of it when it returns, and nothing when it throws. */
  write(key: string, work: (writer: Writer) => void): BlobInfo {
    const raw = asking(() => imported("blobs").write(text(key, "a key")));
    try {
      work(new Writer(raw));
    } catch (error) {
      raw[Symbol.dispose]();
      throw error;
    }
    return info(asking(() => imported("blobs").Writer.finish(raw)));
  }

  /** What is known of a blob, if there is one. */
  info(key: string): BlobInfo | undefined {
    const found = asking(() => imported("blobs").info(this.#owner, text(key, "a key")));
    return found == null ? undefined : info(found);
  }

  /** The blob, if there is one; with a part, the bytes from its first number up to its second. */
  get(key: string, part?: [number, number]): Blob | undefined {
    const found = asking(() => imported("blobs").get(this.#owner, text(key, "a key"), part ?? null));
    if (found == null) {
      return undefined;
    }
    const body = new Body("", { first: new Uint8Array(), raw: found.body });
    return { info: info(found.info), start: found.start, end: found.end, body };
  }

  /** The blob, to be read here and there, if there is one. */
  open(key: string): File | undefined {
    const found = asking(() => imported("blobs").open(this.#owner, text(key, "a key")));
    return found == null ? undefined : new File(found);
  }

  /** Removes a blob; it is no error when there is none. */
  delete(key: string): void {
    asking(() => imported("blobs").delete(text(key, "a key")));
  }
}

function info(raw: any): BlobInfo {
  return { size: raw.size, etag: raw.etag, modified: new Moment(raw.modified) };
}
