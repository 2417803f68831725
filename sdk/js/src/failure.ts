/** How a call can fail. */

/** One rule broken, at one place. */
export interface Fault {
  /** A stable word for the rule, such as `missing`. */
  kind: string;
  /** The way to the place: `["body", "tags", 2]`. */
  place: (string | number)[];
  /** What is wrong, for people. */
  message: string;
  /** What was sent there. */
  input?: unknown;
}

/** What is known of a failure besides its kind and message. */
export interface Particulars {
  /** With `invalid`: each fault by field. */
  faults?: Fault[];
  /** With `rate_limited` and `unavailable`: after how many seconds to try again. */
  retryAfter?: number;
  /** With `too_large`: the limit in bytes. */
  limit?: number;
}

/**
 * How a call can fail. Throw one from a handler; the host's own are thrown likewise.
 *
 * Anything else that a handler throws is the plugin's fault: the caller learns that it failed, and the log has the stack.
 */
export class Failure extends Error {
  readonly faults: Fault[];
  readonly retryAfter?: number;
  readonly limit?: number;

  /**
   * `kind` is one of `invalid`, `not_found`, `forbidden`, `conflict`, `too_large`, `rate_limited`, `unavailable`, `timed_out`,
   * `broken`; the message says what failed, on what, why, and what to do.
   */
  constructor(
    readonly kind: string,
    message: string,
    particulars: Particulars = {},
  ) {
    super(message);
    this.name = "Failure";
    this.faults = particulars.faults ?? [];
    this.retryAfter = particulars.retryAfter;
    this.limit = particulars.limit;
  }
}

/** What was sent breaks a rule. */
export const invalid = (message: string, faults: Fault[] = []) => new Failure("invalid", message, { faults });

/** The thing does not exist, or not for this caller. */
export const notFound = (message: string) => new Failure("not_found", message);

/** The caller may not do it. */
export const forbidden = (message: string) => new Failure("forbidden", message);

/** It does not fit what is there; from a filter, a veto. */
export const conflict = (message: string) => new Failure("conflict", message);

/** More bytes than are accepted. */
export const tooLarge = (message: string, limit: number) => new Failure("too_large", message, { limit });

/** Too many calls; try again after so many seconds. */
export const rateLimited = (message: string, retryAfter: number) => new Failure("rate_limited", message, { retryAfter });

/** Not now; perhaps after so many seconds. */
export const unavailable = (message: string, retryAfter?: number) => new Failure("unavailable", message, { retryAfter });

/** The plugin's own fault. The message is for operators; a caller from outside is told only that it failed. */
export const broken = (message: string) => new Failure("broken", message);
