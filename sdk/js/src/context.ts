/** What every handler can ask for. */
import { Blobs } from "./blobs.ts";
import { Db } from "./db.ts";
import { Failure, invalid, type Fault } from "./failure.ts";
import { Http } from "./http.ts";
import { asking, imported, jsonText, received, text } from "./imports.ts";
import { Kv } from "./kv.ts";
import { Log } from "./log.ts";
import { Mail } from "./mail.ts";
import { Events, Schedule, Services } from "./messages.ts";
import { Metrics } from "./metrics.ts";
import { Moment } from "./moment.ts";
import { Secrets } from "./secrets.ts";

/** An organization as a plugin sees it. */
export interface Organization {
  /** Its number, for a column `organization_id`. */
  id: number;
  /** Its name in addresses. */
  slug: string;
  /** The name people read. */
  name: string;
}

/** Who is behind a call. What they may do is asked of `Context.require`. */
export interface Actor {
  /** `user`, `token`, `plugin`, `system` or `anyone`. */
  kind: string;
  name: string;
  account?: number;
  roles: string[];
  impersonator?: string;
}

/**
 * For whom the call is, and what the plugin was granted. A capability that was not granted answers each use with a `Failure`
 * of kind `forbidden`.
 */
export class Context {
  readonly #info = imported("call").getInfo();

  /** Writing to the log. */
  readonly log = new Log();
  /** Numbers of the plugin's own, for whoever watches the server. */
  readonly metrics = new Metrics();
  /** The plugin's tables. */
  readonly db = new Db();
  /** Small values with expiry. */
  readonly kv = new Kv();
  /** Large values. */
  readonly blobs = new Blobs();
  /** Saying what happened. */
  readonly events = new Events();
  /** Calling plugins that the manifest requires. */
  readonly services = new Services();
  /** Work to be done apart from this call. */
  readonly schedule = new Schedule();
  /** Secret settings by name. */
  readonly secrets = new Secrets();
  /** Requests to other servers. */
  readonly http = new Http();
  /** Messages to people. */
  readonly mail = new Mail();

  /** The organization that the call is for; `invalid` in a call that is for none. */
  get organization(): Organization {
    const found = this.#info.organization;
    if (found == null) {
      throw invalid("this is done for one organization: name it, for example by `X-Organization`");
    }
    return found;
  }

  /** Who is behind the call. */
  get actor(): Actor {
    const { kind, name, account, roles, impersonator } = this.#info.actor;
    return { kind, name, account: account ?? undefined, roles, impersonator: impersonator ?? undefined };
  }

  /** The IP address from which the request came, if a request did. */
  get address(): string | undefined {
    return this.#info.address ?? undefined;
  }

  /** The id that joins what belongs together in logs and traces. */
  get trace(): string {
    return this.#info.trace;
  }

  /** The seconds left until the call is ended. */
  timeLeft(): number {
    return imported("call").timeLeftMs() / 1000;
  }

  /** Whether long work should be given up: nobody waits any more, or the time is up. */
  shouldStop(): boolean {
    return imported("call").shouldStop();
  }

  /**
   * Refuses with `forbidden` unless the actor may do the action, such as `clip:delete`; with a thing, such as `clip:7`, unless
   * they may do it to that one.
   */
  require(action: string, thing?: string): void {
    asking(() => imported("call").require(text(action, "an action"), thing ?? null));
  }

  /** Whether the actor may do the action. */
  may(action: string, thing?: string): boolean {
    try {
      this.require(action, thing);
      return true;
    } catch (error) {
      if (error instanceof Failure && error.kind === "forbidden") {
        return false;
      }
      throw error;
    }
  }

  /** Now. Unlike `Date.now()`, a test can set it. */
  now(): Moment {
    return new Moment(imported("clock").now());
  }

  /** So many random bytes, at most 65536, fit for secrets. */
  random(count: number): Uint8Array {
    return new Uint8Array(imported("random").getBytes(count));
  }

  /** The configuration for the organization of the call, all layers merged, without what the manifest asks for under `secrets`. */
  config<T = Record<string, unknown>>(): T {
    return JSON.parse(asking(() => imported("config").read()));
  }

  /** Every fault of a value by a JSON Schema; none when it fits. */
  check(schema: object, value: unknown, place = "value"): Fault[] {
    return asking(() => imported("schemas").check(jsonText(schema), jsonText(value), [place])).map(received);
  }

  /**
   * Passes a value through every plugin that takes part in one of this plugin's filter points, and gives what comes out. A veto
   * is a `conflict`.
   */
  filter<T>(point: string, payload: T): T {
    return JSON.parse(asking(() => imported("filter-points").apply(text(point, "a filter point"), jsonText(payload))));
  }

  /**
   * Writes a line to the audit log of the installation: whoever is behind the call did this to that, such as `exported` to
   * `clip:7`. Secrets are never in it.
   */
  audit(action: string, subject: string, before?: unknown, after?: unknown): void {
    const entry = {
      action: text(action, "an action"),
      subject: text(subject, "a subject"),
      before: jsonText(before),
      after: jsonText(after),
    };
    asking(() => imported("audit").recordEntry(entry));
  }
}
