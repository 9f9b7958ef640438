/**
 * What this browser remembers of a conversation: one record in `localStorage`, with an end. The lines themselves are
 * not in it (the server has them), except those that no server has yet.
 *
 * Every change reads the record again first, for another tab may have written it. Where the page has no storage,
 * or it is full, the conversation lasts as long as the page.
 */

import type { Unsent } from "../session/session.ts";

export interface Remembered {
  /** Proves that it is the same visitor: the only secret of the widget. */
  token: string;
  name: string;
  /** The nick where no name was given. */
  guest: string;
  /** The newest entry that the visitor has seen. */
  seen: number;
  /** When a line was last sent. Milliseconds since 1970. */
  spoke: number;
  unsent: readonly Unsent[];
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

  load(now: number): Remembered | undefined {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
      if (isRecord(value) && value.until > now) return value;
      if (value) this.#storage?.removeItem(this.#key);
    } catch {
      // Not readable: as if it weren't there.
    }
    return undefined;
  }

  /** `change` is applied to the unsent lines as they are remembered now, those of other tabs among them. */
  save(record: Remembered, change: (unsent: readonly Unsent[]) => readonly Unsent[], now: number): void {
    const known = this.load(now);
    const unsent = known?.token === record.token ? change(known.unsent) : record.unsent;
    try {
      this.#storage?.setItem(this.#key, JSON.stringify({ ...record, unsent, until: now + KEPT_FOR }));
    } catch {
      // Full or forbidden.
    }
  }
}

/** Anything may stand there: other versions of this program wrote it, or the page. */
function isRecord(value: unknown): value is Remembered & { until: number } {
  const { token, name, guest, seen, unsent, spoke, until } = Object(value) as Partial<
    Record<string, unknown>
  >;
  return (
    /^[\w-]{22,64}$/.test(String(token)) &&
    [name, guest].every((text) => typeof text === "string") &&
    [seen, spoke, until].every((number) => typeof number === "number") &&
    Array.isArray(unsent) &&
    unsent.every(isUnsent)
  );
}

function isUnsent(value: unknown): value is Unsent {
  const { id, text, at } = Object(value) as Partial<Record<string, unknown>>;
  return /^[\w.-]{1,64}$/.test(String(id)) && typeof text === "string" && typeof at === "number";
}
