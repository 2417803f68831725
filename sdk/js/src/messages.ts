/** What is said to other plugins, and to the plugin's own future self. */
import { asking, imported, jsonText, text } from "./imports.ts";

/** An event that is about to be said. */
export function newEvent(name: string, subject: string, data: unknown): unknown {
  return { name: text(name, "an event's name"), subject: text(subject, "an event's subject"), data: jsonText(data) };
}

/** Saying what happened. */
export class Events {
  /** Says it, apart from any change. An event that reports a change belongs in the change's transaction. */
  emit(name: string, subject: string, data?: unknown): void {
    asking(() => imported("events").emit(newEvent(name, subject, data)));
  }
}

/** Calling plugins that the manifest requires. */
export class Services {
  /** Calls a service, such as `presets.get`, for the organization of this call. */
  call<T = unknown>(service: string, payload?: unknown): T {
    return JSON.parse(asking(() => imported("services").call(text(service, "a service's name"), jsonText(payload))));
  }
}

/** Work to be done apart from a call. */
/** What is to be done, and when: it has one of `cron`, `every_seconds` and `at`. */
export interface Plan {
  /** The plugin's task that is done. */
  task: string;
  /** What it is given. */
  payload?: unknown;
  /** A cron expression of five fields, or of six with the second in front. */
  cron?: string;
  /** The time zone on whose clocks `cron` is read, such as `Europe/Berlin`; UTC when absent. */
  time_zone?: string;
  /** Every so many seconds, from when it is set. */
  every_seconds?: number;
  /** Once, at a moment such as `2026-05-01T12:00:00Z`; one that is past is due at once. */
  at?: string;
  /** By how many seconds, at most, each run begins later, at random. */
  jitter_seconds?: number;
  /** What happens when it is due and the run before goes on; `skip` when absent. */
  if_running?: "skip" | "queue" | "overlap";
  /** What happens to runs that were due while nobody was there to begin them; `once` when absent. */
  catch_up?: "once" | "none" | "all";
}

/** A plan that is kept. */
export interface Scheduled {
  name: string;
  plan: Plan;
  /** Whether nothing comes of it for now. */
  paused: boolean;
  /** When it is due next; never any more when absent. */
  next_at?: string | null;
  /** When it was last due. */
  last_at?: string | null;
}

export class Schedule {
  /** Has one of the plugin's tasks done soon, at least once, for the organization of this call; gives the run's name. */
  run(task: string, payload?: unknown): string {
    return asking(() => imported("schedule").run(text(task, "a task's name"), jsonText(payload)));
  }

  /** Says how far the running task is, from 0 to 1, and what it is doing. */
  progress(share: number, message = ""): void {
    imported("schedule").progress(Number(share), String(message));
  }

  /** Keeps what came of the running task, for whoever looks at its runs: at most 64 KiB of JSON. The last one stays. */
  output(value: unknown): void {
    asking(() => imported("schedule").output(jsonText(value)));
  }

  /** Keeps a plan for the organization of this call, in place of the plugin's plan of that name. */
  set(name: string, plan: Plan): void {
    asking(() => imported("schedule").setPlan(text(name, "a plan's name"), jsonText(plan)));
  }

  /** Gives up a plan; false when there was none. What is under way goes on. */
  remove(name: string): boolean {
    return asking(() => imported("schedule").removePlan(text(name, "a plan's name")));
  }

  /** The plugin's plans for the organization of this call, by name, without those of the manifest. */
  list(): Scheduled[] {
    return JSON.parse(asking(() => imported("schedule").listPlans()));
  }
}
