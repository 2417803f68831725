/** Secret settings by name. */
import { asking, imported, text } from "./imports.ts";

const HIDDEN = "•••";

/** A secret. Nothing prints it, and its JSON says nothing: its text is had by `expose`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for where it is needed and nowhere else. */
  expose(): string {
    return this.#text;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }
}

/** Secret settings by name. */
export class Secrets {
  /**
   * The secret of that name, such as `api_key` or `mail.password`, for the organization of the call, if it is set. `forbidden` when the
   * manifest does not name it where it asks for `secrets`.
   */
  get(name: string): Secret | undefined {
    const found = asking(() => imported("secrets").get(text(name, "a secret's name")));
    return found == null ? undefined : new Secret(found);
  }
}
