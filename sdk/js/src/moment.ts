/** Points in time. */

/** A point in time, to the microsecond: a `Date` that is written as `2026-01-02T03:04:05Z`. */
export class Moment extends Date {
  /** So many microseconds after 1970-01-01T00:00:00Z. */
  constructor(readonly microseconds: number) {
    super(Math.floor(microseconds / 1000));
  }

  override toString(): string {
    const fraction = String(((this.microseconds % 1e6) + 1e6) % 1e6).padStart(6, "0").replace(/0+$/, "");
    return `${this.toISOString().slice(0, -5)}${fraction && `.${fraction}`}Z`;
  }

  override toJSON(): string {
    return this.toString();
  }
}
