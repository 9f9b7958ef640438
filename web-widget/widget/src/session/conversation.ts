/**
 * The lines of one conversation, each once, in order. Pure: it knows neither IRC nor time.
 *
 * An entry number comes from the bridge's store. A line of the visitor's own has an id from the start and learns its
 * number only from the history, so both are keys by which a double is recognised.
 */

export type LineState = "sending" | "stored" | "waiting" | "taken" | "failed";

export type Author = "visitor" | "staff" | "bridge";

export interface Line {
  /** Stays the same as long as the line is shown. */
  readonly key: number;
  readonly author: Author;
  /** Whose words: a staff member's name. */
  readonly name?: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly entry?: number;
  /** A visitor's line only. */
  readonly id?: string;
  readonly state?: LineState;
  readonly reason?: string;
}

export type NewLine = Omit<Line, "key">;

/** What the bridge knows only grows; a late or repeated word doesn't take it back. */
const RANK: Readonly<Record<LineState, number>> = { sending: 0, stored: 1, waiting: 2, failed: 3, taken: 4 };

/** More than anybody scrolls through; the oldest go first. */
const MOST_LINES = 2_000;

export class Conversation {
  #lines: Line[] = [];
  #nextKey = 1;

  get lines(): readonly Line[] {
    return this.#lines;
  }

  byId(id: string): Line | undefined {
    return this.#lines.find((line) => line.id === id);
  }

  /** The highest entry number seen; 0 where there is none. */
  get newestEntry(): number {
    return this.#lines.reduce((most, line) => Math.max(most, line.entry ?? 0), 0);
  }

  get oldestEntry(): number | undefined {
    return this.#lines.find((line) => line.entry !== undefined)?.entry;
  }

  /**
   * Adds a line, or joins it to the one that is there already. A long answer may come as several messages of one
   * entry: each part goes below the ones before it, once. `whole`: the text is all of the entry. True where it is new.
   */
  add(line: NewLine, whole = true): boolean {
    const at = this.#lines.findIndex(
      (known) =>
        (line.id !== undefined && known.id === line.id) ||
        (line.entry !== undefined && known.entry === line.entry),
    );
    const known = this.#lines[at];
    let isNew = !known;
    if (known) {
      const { state, reason, text, ...rest } = line;
      const isPart = !whole && !known.text.split("\n").includes(text);
      isNew = isPart;
      this.#lines[at] = {
        ...known,
        ...rest,
        text: isPart ? `${known.text}\n${text}` : whole ? text : known.text,
      };
      if (known.id !== undefined && state) this.setState(known.id, state, reason);
    } else {
      this.#lines.push({ ...line, key: this.#nextKey++ });
      if (this.#lines.length > MOST_LINES) this.#lines.shift();
    }
    if (line.entry !== undefined) this.#sort();
    return isNew;
  }

  /** True where that changed something. */
  setState(id: string, state: LineState, reason?: string): boolean {
    return this.#replace(id, (line) =>
      RANK[state] > RANK[line.state ?? "sending"]
        ? { ...withoutReason(line), state, ...(reason ? { reason } : {}) }
        : line,
    );
  }

  /** A failed line is tried again, as itself. */
  retry(id: string): boolean {
    return this.#replace(id, (line) =>
      line.state === "failed" ? { ...withoutReason(line), state: "sending" } : line,
    );
  }

  /** Puts shorter pieces in a line's place; the first keeps its id and key. */
  divide(id: string, pieces: readonly { id: string; text: string }[]): void {
    const at = this.#lines.findIndex((line) => line.id === id);
    const whole = this.#lines[at];
    if (!whole) return;
    const parts = pieces.map((piece, n) => ({
      ...whole,
      ...piece,
      key: n === 0 ? whole.key : this.#nextKey++,
    }));
    this.#lines.splice(at, 1, ...parts);
  }

  #replace(id: string, change: (line: Line) => Line): boolean {
    const at = this.#lines.findIndex((line) => line.id === id);
    const line = this.#lines[at];
    if (!line) return false;
    const changed = change(line);
    this.#lines[at] = changed;
    return changed !== line;
  }

  /** By entry; a line that has none stays behind the one that it followed, and what isn't stored yet comes last. */
  #sort(): void {
    let after = 0;
    const keyed = this.#lines.map((line) => {
      after = line.entry ?? after;
      return {
        line,
        place: line.state === "sending" && line.entry === undefined ? Number.POSITIVE_INFINITY : after,
      };
    });
    this.#lines = keyed.sort((a, b) => (a.place === b.place ? 0 : a.place - b.place)).map(({ line }) => line);
  }
}

function withoutReason(line: Line): Line {
  const { reason: _, ...rest } = line;
  return rest;
}
