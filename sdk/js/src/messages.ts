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
export class Schedule {
  /** Has one of the plugin's tasks done soon, at least once, for the organization of this call; gives the run's name. */
  run(task: string, payload?: unknown): string {
    return asking(() => imported("schedule").run(text(task, "a task's name"), jsonText(payload)));
  }

  /** Says how far the running task is, from 0 to 1, and what it is doing. */
  progress(share: number, message = ""): void {
    imported("schedule").progress(Number(share), String(message));
  }
}
