/** What the session lets others see and asks of them. Types only. */

import type { Line } from "./conversation.ts";

export type Connection =
  /** Nothing is wanted. */
  | "idle"
  | "connecting"
  /** On the way again. */
  | "reconnecting"
  | "online"
  /** The last try failed; there will be another. */
  | "lost"
  /** The same conversation was opened elsewhere (another tab). */
  | "elsewhere";

export interface View {
  readonly connection: Connection;
  /** Why it was lost, in the server's words where it gave some. */
  readonly reason: string | undefined;
  readonly lines: readonly Line[];
  /** Somebody of the staff is typing. */
  readonly typing: boolean;
  /** False where the daemon said that nobody has the bot's nick now. */
  readonly botHere: boolean;
  /** The conversation so far is on its way. */
  readonly loading: boolean;
  /** There are lines before the first one shown. */
  readonly hasEarlier: boolean;
  /** Staff lines that came while nobody looked. */
  readonly unread: number;
  /** The name the visitor gave. */
  readonly name: string;
}

export type Output =
  | { readonly kind: "connect" }
  | { readonly kind: "disconnect" }
  | { readonly kind: "frame"; readonly line: string }
  /** Keep this line until it is forgotten: it isn't stored yet. */
  | { readonly kind: "keep"; readonly id: string; readonly text: string; readonly at: number }
  | { readonly kind: "forget"; readonly id: string }
  /** The newest entry that the visitor has seen. */
  | { readonly kind: "seen"; readonly entry: number }
  /** The server would not have the token: make another. */
  | { readonly kind: "renew" }
  | { readonly kind: "message"; readonly line: Line; readonly fresh: boolean }
  | { readonly kind: "state"; readonly line: Line };
