/** Writing to the log. */
import { imported } from "./imports.ts";

type Level = "debug" | "info" | "warn" | "error";

/** Lines in the host's log, marked with the plugin, the organization and the trace. */
export class Log {
  /** For whoever looks for a fault. */
  debug(message: string): void {
    write("debug", message);
  }

  /** Worth knowing. */
  info(message: string): void {
    write("info", message);
  }

  /** Something is not as it should be. */
  warn(message: string): void {
    write("warn", message);
  }

  /** Something failed. */
  error(message: string): void {
    write("error", message);
  }
}

/** Where each line of the bundle stood in the plugin's source; the build says it. */
export interface Lines {
  sources: string[];
  /** For each line of the bundle the source's position and the line there; 0 and 0 for none. */
  lines: [number, number][];
}

/** An exception with its stack, by the lines of the source. */
export function told(error: unknown): string {
  if (!(error instanceof Error)) {
    return `something that is no Error was thrown: ${shown(error)}`;
  }
  return `${error.name}: ${error.message}\n${inSource(error.stack ?? "")}`.trimEnd();
}

/** The first line of the plugin's own source in an exception's stack: `src/plugin.ts:17`. */
export function whereabouts(error: unknown): string | undefined {
  const stack = error instanceof Error ? inSource(error.stack ?? "") : "";
  return /[ (](src\/[^\s()]*:\d+)/.exec(stack)?.[1];
}

function inSource(stack: string): string {
  const map: Lines | undefined = (globalThis as any).__switchboardLines;
  return stack.replace(/\/bundle\.js:(\d+)(:\d+)?/g, (whole, line) => {
    const [source, at] = map?.lines[Number(line) - 1] ?? [0, 0];
    return at === 0 ? whole : `${map?.sources[source]}:${at}`;
  });
}

function write(level: Level, message: string): void {
  imported("log").write(level, String(message));
}

function shown(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  if (value instanceof Error) {
    return told(value);
  }
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** `console`, for code that expects one: lines of the log. */
export const printing = Object.fromEntries(
  Object.entries({ debug: "debug", log: "info", info: "info", warn: "warn", error: "error" } as const).map(
    ([name, level]) => [
      name,
      (...values: unknown[]) =>
        values
          .map(shown)
          .join(" ")
          .split("\n")
          .forEach((line) => write(level, line)),
    ],
  ),
);
