/**
 * What this browser remembers of a conversation: one record in `localStorage`, with an end. The lines themselves are
 * not in it (the server has them), except those that no server has yet.
 *
 * Every change reads the record again first, for another tab may have written it. Where the page has no storage,
 * or it is full, the conversation lasts as long as the page.
 */

import type { Unsent } from "../session/session.ts";

export interface ConversationRecord {
  readonly version: 1;
  /** Proves that it is the same visitor: the only secret of the widget. */
  readonly token: string;
  readonly name: string;
  readonly seen: number;
  readonly unsent: readonly Unsent[];
  /** When a line was last sent. */
  readonly spoke: number;
  /** When the record is of no more use. Milliseconds since 1970, as the others. */
  readonly until: number;
}

/** Days from the last use on. Named in the panel's first words too. */
export const KEPT_FOR = 30 * 24 * 60 * 60 * 1_000;

export class RecordStore {
  readonly #storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined;
  readonly #key: string;

  constructor(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  load(now: number): ConversationRecord | undefined {
    try {
      const record = valid(JSON.parse(this.#storage?.getItem(this.#key) ?? "null"));
      if (record && record.until > now) return record;
      if (record) this.#storage?.removeItem(this.#key);
    } catch {
      // Not readable: as if it weren't there.
    }
    return undefined;
  }

  save(record: Omit<ConversationRecord, "version" | "until">, now: number): void {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify({ version: 1, ...record, until: now + KEPT_FOR }));
    } catch {
      // Full or forbidden.
    }
  }
}

function valid(value: unknown): ConversationRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { version, token, name, seen, unsent, spoke, until } = value as Partial<Record<string, unknown>>;
  if (version !== 1 || typeof token !== "string" || !/^[\w-]{22,64}$/.test(token)) return undefined;
  if (typeof until !== "number") return undefined;
  return {
    version,
    token,
    name: typeof name === "string" ? name : "",
    seen: typeof seen === "number" ? seen : 0,
    unsent: Array.isArray(unsent) ? unsent.filter(isUnsent).slice(0, 200) : [],
    spoke: typeof spoke === "number" ? spoke : 0,
    until,
  };
}

function isUnsent(value: unknown): value is Unsent {
  if (typeof value !== "object" || value === null) return false;
  const { id, text, at } = value as Partial<Record<string, unknown>>;
  return (
    typeof id === "string" && /^[\w.-]{1,64}$/.test(id) && typeof text === "string" && typeof at === "number"
  );
}
