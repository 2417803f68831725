/**
 * What the component exports. The build writes the module that calls `component` with the author's plugin and the interfaces
 * that the plugin's world has.
 *
 * The exports are answered by `Plugin`; here stands what holds of every call: what is thrown becomes a failure, what is printed
 * comes into the log, and random numbers differ from instance to instance.
 */
import "./surroundings.ts";

import { Context } from "./context.ts";
import { Failure, broken } from "./failure.ts";
import { imported, jsonText, provide, type Interfaces } from "./imports.ts";
import { Log, told, whereabouts } from "./log.ts";
import { Plugin } from "./plugin.ts";
import { sent } from "./route.ts";

/** What the component exports. */
export function component(plugin: unknown, interfaces: Interfaces) {
  if (!(plugin instanceof Plugin)) {
    throw new TypeError("the plugin's module has no `export default plugin`, a `new Plugin()`");
  }
  provide(interfaces);
  const description = jsonText(plugin.describe());
  return {
    description: { describe: () => description },
    lifecycle: {
      run: (hook: string, details: string) => answering((ctx) => plugin.run(ctx, hook, details)),
    },
    routes: { handle: (request: any) => answering((ctx) => sent(plugin.handle(ctx, request))) },
    filters: {
      apply: (point: string, payload: string) => answering((ctx) => plugin.apply(ctx, point, payload)),
    },
    listeners: { hear: (event: any) => answering((ctx) => plugin.hear(ctx, event)) },
    tasks: { run: (task: any) => answering((ctx) => plugin.work(ctx, task)) },
    offeredServices: {
      answer: (service: string, payload: string) => answering((ctx) => plugin.serve(ctx, service, payload)),
    },
    commands: {
      run: (name: string, given: string, origin: string) => answering((ctx) => plugin.say(ctx, name, given, origin)),
    },
  };
}

let awake = false;

function answering<T>(answer: (ctx: Context) => T): T {
  try {
    if (!awake) {
      // All instances begin as the same picture of the memory, taken when the plugin was built.
      Math.random = randomFrom(new Uint32Array(new Uint8Array(imported("random").getBytes(16)).buffer));
      awake = true;
    }
    return answer(new Context());
  } catch (error) {
    throw raw(failure(error));
  }
}

function failure(error: unknown): Failure {
  if (!(error instanceof Failure) || error.kind === "broken") {
    for (const line of told(error).split("\n")) {
      new Log().error(line);
    }
  }
  if (error instanceof Failure) {
    return error;
  }
  const where = whereabouts(error);
  const what = error instanceof Error ? `${error.name}: ${error.message}` : "something that is no Error was thrown";
  return broken(what + (where === undefined ? "" : ` (${where})`));
}

function raw(failure: Failure): object {
  const after = failure.retryAfter;
  return {
    kind: String(failure.kind),
    message: String(failure.message),
    faults: failure.faults.map((fault) => ({
      kind: String(fault.kind),
      place: jsonText(fault.place),
      message: String(fault.message),
      input: jsonText(fault.input),
    })),
    retryAfterMs: after === undefined ? null : Math.max(0, Math.round(after * 1000)),
    limit: failure.limit ?? null,
  };
}

/** The generator sfc32 by Chris Doty-Humphrey, as a `Math.random`. */
function randomFrom(seed: Uint32Array): () => number {
  let [a = 0, b = 0, c = 0, d = 0] = seed;
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 2 ** 32;
  };
}
