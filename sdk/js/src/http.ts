/** Requests to other servers: those alone that the manifest names. */
import { asking, bytes, decode, imported, jsonText, text } from "./imports.ts";

/** What the other server answered, whatever its status. */
export class HttpResponse {
  constructor(
    readonly status: number,
    readonly headers: [string, string][],
    readonly content: Uint8Array,
  ) {}

  /** The first header of that name. */
  header(name: string): string | undefined {
    return this.headers.find(([found]) => found === name.toLowerCase())?.[1];
  }

  /** The content as UTF-8. */
  text(): string {
    return decode(this.content);
  }

  /** The content as JSON. */
  json<T = unknown>(): T {
    return JSON.parse(this.text());
  }
}

/** What a request sends besides its method and address. */
export interface Sent {
  headers?: Record<string, string>;
  /** The body's bytes, or text. */
  content?: Uint8Array | string;
  /** The body as JSON. */
  json?: unknown;
}

/** Requests to other servers. */
export class Http {
  /** Sends a request, follows up to five redirects, and gives the answer. */
  send(method: string, url: string, sent: Sent = {}): HttpResponse {
    const isJson = sent.json !== undefined;
    const given = { ...(isJson && { "content-type": "application/json" }), ...sent.headers };
    const headers = Object.entries(given).map(([name, value]) => ({ name: name.toLowerCase(), value: String(value) }));
    const body = bytes(isJson ? jsonText(sent.json) : (sent.content ?? ""), "a request's body");
    const request = { method: text(method, "a method"), url: text(url, "an address"), headers, body };
    const found = asking(() => imported("http").send(request));
    return new HttpResponse(
      found.status,
      found.headers.map((header: any) => [header.name, header.value]),
      new Uint8Array(found.body),
    );
  }
}
