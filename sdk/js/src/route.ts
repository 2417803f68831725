/** A route: what its function takes and gives. */
import { IsOptional, type Static, type TObject, type TSchema } from "typebox";

import { Body } from "./body.ts";
import type { Context } from "./context.ts";
import { broken } from "./failure.ts";
import { bytes, decode, jsonText } from "./imports.ts";

/** Schemas of single values, by name. */
export type Properties = Record<string, TSchema>;

/** What a route takes and gives. The host checks the first three before the function is called, and answers 422 itself. */
export interface RouteShape {
  /** What the path's parameters are; texts, where nothing is said. */
  path?: Properties;
  /** What the query may hold: `Type.Optional(…)`, or one with a `default`, may be missing. */
  query?: Properties;
  /** The JSON body. */
  body?: TSchema;
  /** What the function gives: an answer of 200 as JSON. */
  gives?: TSchema;
  /** What the function gives: an answer of 201 with what was created. */
  creates?: TSchema;
  /** What it does, in a few words; from the function's name where nothing is said. */
  summary?: string;
}

type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<P> = P extends Properties ? Static<TObject<P>> : Record<never, never>;
type Plain = { path?: undefined; query?: undefined; body?: undefined };

/** A request, as its route's shape says it. */
export interface Request<Path extends string = string, Shape extends RouteShape = Plain> {
  /** The path's parameters. */
  path: Shape["path"] extends Properties ? Values<Shape["path"]> : { [name in Names<Path>]: string };
  /** The query's parameters that the route describes. */
  query: Values<Shape["query"]>;
  /** The JSON body. */
  body: Shape["body"] extends TSchema ? Static<Shape["body"]> : undefined;
  /** The body as it comes, of a route that describes none. */
  content: Body;
  /** All headers; names are in lower case. */
  headers: [string, string][];
  /** The first header of that name. */
  header(name: string): string | undefined;
  /** Whether only the head of the answer is wanted. */
  headOnly: boolean;
}

/** An answer in every detail. */
export class Response {
  constructor(
    /** Bytes, text as UTF-8, or a body of the host's, such as a blob's. */
    readonly content: Uint8Array | string | Body = "",
    readonly status = 200,
    readonly headers: Record<string, string> = {},
  ) {}

  /** A value as JSON. */
  static json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
    return new Response(jsonText(value), status, { "content-type": "application/json", ...headers });
  }
}

/** A function that answers requests. */
export type Answering = (ctx: Context, request: any) => unknown;

/** A route, and the function that answers it. */
export class Route {
  readonly key: string;

  constructor(
    method: string,
    path: string,
    private readonly shape: RouteShape,
    private readonly answer: Answering,
  ) {
    this.key = `${method} ${path}`;
  }

  /** The route in the description. */
  describe(): object {
    const { path = {}, query = {}, body, gives, creates, summary } = this.shape;
    const inPath = [...this.key.matchAll(/\{\*?([^}]*)\}/g)].map(([, name]) => name as string);
    const stray = Object.keys(path).find((name) => !inPath.includes(name));
    if (stray !== undefined) {
      throw new TypeError(`\`${this.key}\` describes \`${stray}\`, which is not in its path`);
    }
    const name = this.answer.name || this.key.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/_$/, "");
    const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
    const parameter = (name: string, place: string, required: boolean, schema: object) => ({ name, place, required, schema });
    const takesBytes = body === undefined && !this.key.startsWith("GET ");
    return {
      key: this.key,
      id: name,
      summary: summary ?? words.charAt(0).toUpperCase() + words.slice(1),
      parameters: [
        ...inPath.map((name) => parameter(name, "path", true, path[name] ?? { type: "string" })),
        ...Object.entries(query).map(([name, schema]) => parameter(name, "query", !mayBeMissing(schema), schema)),
      ],
      body: body !== undefined ? json(body) : takesBytes && this.takesContent() ? BINARY : null,
      answers: [
        creates !== undefined
          ? { status: 201, description: "Created", body: json(creates) }
          : gives !== undefined
            ? { status: 200, description: "Done", body: json(gives) }
            : { status: 204, description: "Done; there is nothing to say", body: null },
      ],
    };
  }

  /** Whether the function has a use for a body that nothing describes. */
  private takesContent(): boolean {
    return /\bcontent\b/.test(Function.prototype.toString.call(this.answer));
  }

  /** Answers a request. */
  handle(ctx: Context, raw: any): Response {
    const headers: [string, string][] = raw.headers.map((header: any) => [header.name, header.value]);
    const content = new Body("", { first: new Uint8Array(raw.content), raw: raw.rest });
    const { query = {}, body, creates, gives } = this.shape;
    const given = JSON.parse(raw.query);
    const value = this.answer(ctx, {
      path: Object.fromEntries(raw.params.map(([name, value]: [string, string]) => [name, JSON.parse(value)])),
      query: Object.fromEntries(
        Object.entries(query).map(([name, schema]) => [name, given[name] ?? (schema as { default?: unknown }).default]),
      ),
      body: body === undefined ? undefined : JSON.parse(decode(content.readAll())),
      content,
      headers,
      header: (name: string) => headers.find(([found]) => found === name.toLowerCase())?.[1],
      headOnly: raw.headOnly,
    });
    if (value instanceof Promise) {
      throw broken(`the function of \`${this.key}\` is \`async\`: the host does the waiting, make it a plain one`);
    }
    if (value instanceof Response) {
      return value;
    }
    if (value === undefined) {
      if (gives !== undefined || creates !== undefined) {
        throw broken(`the function of \`${this.key}\` gave nothing, and its route says that it does`);
      }
      return new Response("", 204);
    }
    return Response.json(value, creates === undefined ? 200 : 201);
  }
}

const BINARY = { content_type: "application/octet-stream", schema: { type: "string", format: "binary" } };

function json(schema: TSchema): object {
  return { content_type: "application/json", schema };
}

function mayBeMissing(schema: TSchema): boolean {
  return IsOptional(schema) || "default" in schema;
}

/** An answer for the host. */
export function sent(response: Response): object {
  const { content, status } = response;
  const headers = Object.entries(response.headers).map(([name, value]) => ({
    name: name.toLowerCase(),
    value: String(value),
  }));
  if (content instanceof Body) {
    const { first, raw } = content.taken();
    return { status, headers, content: first, rest: raw };
  }
  return { status, headers, content: bytes(content, "an answer's content"), rest: null };
}
