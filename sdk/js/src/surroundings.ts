/** What code from elsewhere expects of its surroundings, as far as the host has it. Loaded before any such code. */
import { decode, encode, imported } from "./imports.ts";
import { printing } from "./log.ts";

const surroundings = globalThis as any;
surroundings.console = printing;
surroundings.TextEncoder ??= class {
  encode(value = ""): Uint8Array {
    return encode(value);
  }
};
surroundings.TextDecoder ??= class {
  decode(value = new Uint8Array()): string {
    return decode(value);
  }
};
surroundings.crypto ??= {
  getRandomValues<T extends Uint8Array>(into: T): T {
    into.set(imported("random").getBytes(into.length));
    return into;
  },
};
