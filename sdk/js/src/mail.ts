/** Messages to people. */
import { asking, imported, text } from "./imports.ts";

/** A message. Who it is from is the operator's to say. */
export interface Message {
  /** 1 to 50 addresses. */
  to: string | string[];
  subject: string;
  text: string;
  /** The same as HTML, for readers that show it. */
  html?: string;
}

/** Messages to people. */
export class Mail {
  /** Sends a message. When this returns, the mail server has taken it for every recipient. */
  send(message: Message): void {
    const raw = {
      to: [message.to].flat().map((address) => text(address, "an address")),
      subject: text(message.subject, "a message's subject"),
      text: text(message.text, "a message's text"),
      html: message.html ?? null,
    };
    asking(() => imported("mail").send(raw));
  }
}
