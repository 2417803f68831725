/** Numbers of the plugin's own. */
import { imported } from "./imports.ts";

/** What tells the series of a metric apart. */
export type Labels = Record<string, string>;

/**
 * Numbers of the plugin's own, which the server shows at `/metrics`.
 *
 * Nothing here fails: what breaks a rule, and what is beyond the 200 series that a plugin may have, is left out, counted, and said once
 * in the log. A name is of `a-z`, `0-9` and `_`, a letter first, and ends in none of `_total`, `_bucket`, `_sum` and `_count`; a metric
 * has four labels at most. Names and what labels say have 64 characters at most.
 */
export class Metrics {
  /** So many more of a counter, which only grows: `ctx.metrics.count("seeds_made", 1, { preset: "standard" })`. */
  count(name: string, more = 1, labels: Labels = {}): void {
    imported("metrics").count(String(name), Math.max(0, Math.round(Number(more)) || 0), pairs(labels));
  }

  /** What a gauge is now. */
  set(name: string, now: number, labels: Labels = {}): void {
    imported("metrics").set(String(name), Number(now), pairs(labels));
  }

  /**
   * One value of a histogram, such as how many seconds something took. Its buckets end at 1 and 5 of each power of ten, from 0.001 to
   * 1,000.
   */
  observe(name: string, value: number, labels: Labels = {}): void {
    imported("metrics").observe(String(name), Number(value), pairs(labels));
  }
}

function pairs(labels: Labels): [string, string][] {
  return Object.entries(labels).map(([name, says]) => [name, String(says)]);
}
