/** A plugin as its author writes it. */
import type { Static, TSchema } from "typebox";

import type { Context } from "./context.ts";
import { broken, invalid } from "./failure.ts";
import { jsonText } from "./imports.ts";
import { Moment } from "./moment.ts";
import { Route, type Request, type Response, type RouteShape } from "./route.ts";

/** Something that happened. It comes at least once: the same `source` and `id` mean the same event. */
export interface Event<T = any> {
  id: string;
  source: string;
  name: string;
  subject: string;
  time: Moment;
  organization?: number;
  actor: string;
  trace: string;
  data: T;
  /** 1 the first time, 2 when delivered again. */
  attempt: number;
}

/** A run of a task. */
export interface TaskRun<T = any> {
  name: string;
  /** Names this run among all. */
  run: string;
  /** What it was asked for with; `null` when it runs by its schedule. */
  payload: T;
  /** 1 the first time, 2 when it is tried again. */
  attempt: number;
}

/** A command that somebody gave. */
export interface Command<T = any> {
  name: string;
  /** The arguments that were given, by name: they fit what the manifest declares. */
  arguments: T;
  /** Where it was given: its `kind` is `api`, or the chat's word for itself, which then says more of the place. */
  origin: { kind: string; [more: string]: any };
}

/** What is said to whoever gave a command. */
export interface Said {
  /** In Markdown. */
  text: string;
  /** Whether it is for nobody but whoever gave the command. */
  ephemeral?: boolean;
}

/** A step of a plugin's life. */
export type Hook =
  | "on_install"
  | "on_load"
  | "on_enable"
  | "on_config_changed"
  | "on_disable"
  | "on_upgrade"
  | "on_unload"
  | "on_uninstall";

type Gives<Shape extends RouteShape> = Shape extends { creates: infer T extends TSchema }
  ? Static<T> | Response
  : Shape extends { gives: infer T extends TSchema }
    ? Static<T> | Response
    : unknown;

type Answer<Path extends string, Shape extends RouteShape> = (ctx: Context, request: Request<Path, Shape>) => Gives<Shape>;

interface Service {
  takes: TSchema;
  gives: TSchema;
  answer: (ctx: Context, payload: any) => unknown;
}

/**
 * A function for each thing that the manifest declares. What is declared and what is bound must agree: the host refuses a
 * plugin in which either lacks the other, and names both.
 */
export class Plugin {
  readonly #routes: Route[] = [];
  readonly #filters = new Map<string, (ctx: Context, payload: any) => unknown>();
  readonly #listeners = new Map<string, (ctx: Context, event: Event) => void>();
  readonly #services = new Map<string, Service>();
  readonly #tasks = new Map<string, (ctx: Context, run: TaskRun) => void>();
  readonly #commands = new Map<string, (ctx: Context, command: Command) => string | Said>();
  readonly #hooks = new Map<Hook, (ctx: Context, details: any) => void>();
  readonly #configDefaults: object | null;

  /** `configDefaults` is what is configured where nothing was set: below the manifest's own. */
  constructor({ configDefaults }: { configDefaults?: object } = {}) {
    this.#configDefaults = configDefaults ?? null;
  }

  /** Answers GET (and HEAD) at the path, as the manifest writes it. */
  get<P extends string, const S extends RouteShape>(path: P, shape: S, answer: Answer<P, S>): this {
    return this.#route("GET", path, shape, answer);
  }

  /** Answers POST at the path. */
  post<P extends string, const S extends RouteShape>(path: P, shape: S, answer: Answer<P, S>): this {
    return this.#route("POST", path, shape, answer);
  }

  /** Answers PUT at the path. */
  put<P extends string, const S extends RouteShape>(path: P, shape: S, answer: Answer<P, S>): this {
    return this.#route("PUT", path, shape, answer);
  }

  /** Answers PATCH at the path. */
  patch<P extends string, const S extends RouteShape>(path: P, shape: S, answer: Answer<P, S>): this {
    return this.#route("PATCH", path, shape, answer);
  }

  /** Answers DELETE at the path. */
  delete<P extends string, const S extends RouteShape>(path: P, shape: S, answer: Answer<P, S>): this {
    return this.#route("DELETE", path, shape, answer);
  }

  /** Takes part in a filter point: gives the value back, changed or not, or nothing to leave it; a `conflict` is a veto. */
  filter<T = any>(point: string, apply: (ctx: Context, payload: T) => T | void): this {
    return bind(this.#filters, "filter", point, apply, this);
  }

  /** Listens to events, by the pattern that the manifest declares. */
  on<T = any>(pattern: string, hear: (ctx: Context, event: Event<T>) => void): this {
    return bind(this.#listeners, "listener", pattern, hear, this);
  }

  /** Does one of the plugin's tasks, when the manifest says or when it is asked for. */
  task<T = any>(name: string, work: (ctx: Context, run: TaskRun<T>) => void): this {
    return bind(this.#tasks, "task", name, work, this);
  }

  /** Offers a function to plugins that require this one. */
  service<T extends TSchema, G extends TSchema>(
    name: string,
    shape: { takes: T; gives: G },
    answer: (ctx: Context, payload: Static<T>) => Static<G>,
  ): this {
    return bind(this.#services, "service", name, { ...shape, answer }, this);
  }

  /** Answers one of the plugin's commands: with a text in Markdown, or a `Said`. `invalid` says what is wrong, by argument. */
  command<T = any>(name: string, answer: (ctx: Context, command: Command<T>) => string | Said): this {
    return bind(this.#commands, "command", name, answer, this);
  }

  /** Runs at a step of the plugin's life; `details` is the configuration, or `{from, to}` of an upgrade. */
  hook<T = any>(name: Hook, run: (ctx: Context, details: T) => void): this {
    return bind(this.#hooks, "hook", name, run, this);
  }

  #route(method: string, path: string, shape: RouteShape, answer: (ctx: Context, request: any) => unknown): this {
    this.#routes.push(new Route(method, path, shape, answer));
    return this;
  }

  /** What is bound, for the host. */
  describe(): object {
    return {
      routes: this.#routes.map((route) => route.describe()),
      filters: [...this.#filters.keys()],
      listeners: [...this.#listeners.keys()],
      services: [...this.#services].map(([name, { takes, gives }]) => ({ name, takes, gives })),
      tasks: [...this.#tasks.keys()],
      commands: [...this.#commands.keys()],
      hooks: [...this.#hooks.keys()].map((name) => name.replace("on_", "")),
      config_defaults: this.#configDefaults,
    };
  }

  /** Answers a request. */
  handle(ctx: Context, raw: any): Response {
    const route = this.#routes[raw.route];
    if (route === undefined) {
      throw broken(`the plugin binds no route number ${raw.route}`);
    }
    return route.handle(ctx, raw);
  }

  /** Passes a payload through a filter. */
  apply(ctx: Context, point: string, payload: string): string | null {
    const given = plain(found(this.#filters, "filter", point)(ctx, JSON.parse(payload)), `the filter \`${point}\``);
    return given === undefined ? null : jsonText(given);
  }

  /** Has every listener whose pattern fits hear an event. */
  hear(ctx: Context, raw: any): void {
    const { time, data, organization, ...rest } = raw;
    const event = { ...rest, time: new Moment(time), data: JSON.parse(data), organization: organization ?? undefined };
    for (const [pattern, hear] of this.#listeners) {
      if (hears(pattern, raw.name)) {
        plain(hear(ctx, event), `the listener \`${pattern}\``);
      }
    }
  }

  /** Does a run of a task. */
  work(ctx: Context, raw: any): void {
    const work = found(this.#tasks, "task", raw.name);
    plain(work(ctx, { ...raw, payload: JSON.parse(raw.payload) }), `the task \`${raw.name}\``);
  }

  /** Answers a call of a service. */
  serve(ctx: Context, name: string, payload: string): string {
    const service = found(this.#services, "service", name);
    const given = JSON.parse(payload);
    // Routes' bodies and filters' payloads were checked by the host; this comes from another plugin as it is.
    const faults = ctx.check(service.takes, given, "payload");
    const [first, ...more] = faults;
    if (first !== undefined) {
      const only = `${first.place.join(".")}: ${first.message}`;
      throw invalid(more.length === 0 ? only : `${faults.length} fields break a rule`, faults);
    }
    return jsonText(plain(service.answer(ctx, given), `the service \`${name}\``));
  }

  /** Answers a command. */
  say(ctx: Context, name: string, given: string, origin: string): string {
    const command = { name, arguments: JSON.parse(given), origin: JSON.parse(origin) };
    const said = plain(found(this.#commands, "command", name)(ctx, command), `the command \`${name}\``);
    return jsonText(typeof said === "string" ? { text: said } : said);
  }

  /** Runs a hook. */
  run(ctx: Context, name: string, details: string): void {
    const told = JSON.parse(details) ?? {};
    plain(this.#hooks.get(name as Hook)?.(ctx, told.config ?? told), `the hook \`${name}\``);
  }
}

/** Whether a listener of that pattern hears an event of that name: `*` is one word, `**` at the end one or more. */
export function hears(pattern: string, name: string): boolean {
  const wanted = pattern.split(".");
  const words = name.split(".");
  const open = wanted.at(-1) === "**";
  const fits = open ? words.length >= wanted.length : words.length === wanted.length;
  return fits && wanted.every((word, at) => word === "*" || word === "**" || word === words[at]);
}

function bind<K extends string, T, P>(bound: Map<K, T>, kind: string, name: K, value: T, plugin: P): P {
  if (bound.has(name)) {
    throw new TypeError(`the ${kind} \`${name}\` is bound twice`);
  }
  bound.set(name, value);
  return plugin;
}

function found<T>(bound: Map<string, T>, kind: string, name: string): T {
  const value = bound.get(name);
  if (value === undefined) {
    throw broken(`the plugin binds no ${kind} \`${name}\``);
  }
  return value;
}

function plain<T>(value: T, whose: string): T {
  if (value instanceof Promise) {
    throw broken(`the function of ${whose} is \`async\`: the host does the waiting, make it a plain one`);
  }
  return value;
}
