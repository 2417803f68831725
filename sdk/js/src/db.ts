/** The plugin's tables, on SQLite or PostgreSQL. Statements take their parameters as `$1`, `$2`, …. */
import { broken } from "./failure.ts";
import { asking, imported, text } from "./imports.ts";
import { newEvent } from "./messages.ts";
import type { Event } from "./plugin.ts";

/** What can stand in a cell, or be a parameter. Integers beyond 2^53 do not fit a number: cast them to text. */
export type Value = null | boolean | number | bigint | string | Uint8Array;

/** A row, by its columns. */
export type Row = Record<string, Value>;

/** What statements are run by: the tables, or a transaction on them. */
abstract class Statements {
  protected abstract runner(): any;

  /** The rows of a statement. */
  query<T = Row>(sql: string, ...params: (Value | undefined)[]): T[] {
    const found = asking(() => this.runner().query(text(sql, "a statement"), params.map(cell)));
    const rows: T[] = [];
    for (let at = 0; at < found.cells.length; at += found.columns.length) {
      rows.push(Object.fromEntries(found.columns.map((name: string, i: number) => [name, value(found.cells[at + i])])) as T);
    }
    return rows;
  }

  /** The first row, if there is one. */
  queryOne<T = Row>(sql: string, ...params: (Value | undefined)[]): T | undefined {
    return this.query<T>(sql, ...params)[0];
  }

  /** The first column of the first row, if there is one. */
  queryValue<T extends Value = Value>(sql: string, ...params: (Value | undefined)[]): T | undefined {
    const row = this.queryOne(sql, ...params);
    return row === undefined ? undefined : (Object.values(row)[0] as T);
  }

  /** Runs a statement, and gives the number of rows changed. */
  execute(sql: string, ...params: (Value | undefined)[]): number {
    return asking(() => this.runner().execute(text(sql, "a statement"), params.map(cell)));
  }
}

/** The plugin's tables. A statement is a transaction of its own. */
export class Db extends Statements {
  protected runner(): any {
    return imported("db");
  }

  /** Which database it is, where a statement must differ: `sqlite` or `postgres`. */
  engine(): string {
    return asking(() => imported("db").engine());
  }

  /**
   * Statements that take effect together, or not at all: when the function returns they are committed, and when it throws
   * they are undone. It may last a few seconds at most.
   */
  transaction<T>(work: (tx: Transaction) => T): T {
    const raw = asking(() => imported("db").begin());
    const tx = new Transaction(raw);
    let made: T;
    try {
      made = work(tx);
      if (made instanceof Promise) {
        throw new TypeError("a transaction's function is `async`: its statements would run after the transaction");
      }
    } catch (error) {
      tx.end();
      raw[Symbol.dispose]();
      throw error;
    }
    tx.end();
    asking(() => imported("db").Transaction.commit(raw));
    return made;
  }
}

/** Statements that take effect together, or not at all. */
export class Transaction extends Statements {
  #raw: any;

  constructor(raw: any) {
    super();
    this.#raw = raw;
  }

  protected runner(): any {
    if (this.#raw === undefined) {
      throw broken("a transaction is used after its function returned");
    }
    return this.#raw;
  }

  /** Notes that an event is handled in this transaction; false when it was already, so that there is nothing to do. */
  firstTime(event: Event): boolean {
    return asking(() => imported("db").firstTime(this.runner(), event.source, event.id));
  }

  /** Says that something happened, if and when the transaction commits. Asks for `events`. */
  emit(name: string, subject: string, data?: unknown): void {
    asking(() => this.runner().emit(newEvent(name, subject, data)));
  }

  /** No more statements. */
  end(): void {
    this.#raw = undefined;
  }
}

function cell(value: Value | undefined): { tag: string; val?: unknown } {
  switch (typeof value) {
    case "undefined":
      return { tag: "null" };
    case "boolean":
      return { tag: "boolean", val: value };
    case "string":
      return { tag: "text", val: value };
    case "bigint":
    case "number":
      if (!Number.isInteger(Number(value))) {
        return { tag: "real", val: value };
      }
      if (!Number.isSafeInteger(Number(value))) {
        throw new RangeError(`${value} is beyond 2^53, where a number loses digits: give it as text, and cast it in the statement`);
      }
      return { tag: "integer", val: Number(value) };
    default:
      if (value === null) {
        return { tag: "null" };
      }
      if (value instanceof Uint8Array) {
        return { tag: "bytes", val: value };
      }
      throw new TypeError(
        "a statement's parameter is null, a boolean, a number, a text or a Uint8Array; of a date, give `String(…)`",
      );
  }
}

function value(cell: { tag: string; val?: any }): Value {
  if (cell.tag === "null") {
    return null;
  }
  return cell.tag === "bytes" ? new Uint8Array(cell.val) : cell.val;
}
