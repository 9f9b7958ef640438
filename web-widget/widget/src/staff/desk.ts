/**
 * The AIM window as a pure machine: what the server's JSON means for the buddy list and the conversations, and what
 * goes back. It may not touch socket, clock or page. Source of the protocol: docs/protocol/staff-window.md.
 */

export interface Buddy {
  readonly name: string;
  readonly group: string;
  readonly online: boolean;
  readonly away: boolean;
  readonly idleMinutes: number;
}

export type ImState = "sending" | "sent" | "failed";

export interface Im {
  readonly key: number;
  readonly mine: boolean;
  readonly from: string;
  readonly text: string;
  readonly at: number;
  readonly auto: boolean;
  readonly state?: ImState;
  readonly reason?: string;
}

export interface Talk {
  readonly name: string;
  readonly lines: readonly Im[];
  readonly typing: boolean;
  readonly unread: number;
}

export type Signal =
  | { readonly state: "connecting" }
  | { readonly state: "online" }
  | { readonly state: "offline"; readonly reason: string; readonly retries: boolean };

export interface DeskView {
  readonly signal: Signal;
  readonly screenName: string;
  readonly away: boolean;
  readonly buddies: readonly Buddy[];
  readonly current: Talk;
  /** Of everybody who wrote, by compared name. */
  readonly unread: ReadonlyMap<string, number>;
}

export type Sent = Readonly<Record<string, unknown>>;

const MOST_LINES = 1_000;
const MOST_TALKS = 100;
/** OSCAR clients say once that they type; without a further word it is over after this. */
const TYPING_SHOWN = 30_000;
const TYPING_PAUSE = 5_000;
/** No word from the server about a message. */
const SENT_WITHIN = 30_000;

interface MutableTalk {
  name: string;
  lines: Im[];
  typingUntil: number;
  unread: number;
}

/** Screen names compare without case and spaces. */
export function compared(name: string): string {
  return name.toLowerCase().replace(/ /g, "");
}

export class Desk {
  #out: Sent[] = [];
  /** Messages written while there was no session. */
  readonly #waiting: Sent[] = [];
  #signal: Signal = { state: "connecting" };
  #screenName = "";
  #away = false;
  #buddies: Buddy[] = [];
  readonly #talks = new Map<string, MutableTalk>();
  #current: string;
  #nextId = 1;
  #typingSent = false;
  #typedAt = 0;

  constructor(openWith: string) {
    this.#talk(openWith);
    this.#current = compared(openWith);
  }

  poll(): readonly Sent[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  get view(): DeskView {
    const current = this.#talks.get(this.#current);
    return {
      signal: this.#signal,
      screenName: this.#screenName,
      away: this.#away,
      buddies: this.#listed(),
      current: {
        name: current?.name ?? "",
        lines: current?.lines ?? [],
        typing: (current?.typingUntil ?? 0) > 0,
        unread: 0,
      },
      unread: new Map([...this.#talks].map(([key, talk]) => [key, talk.unread])),
    };
  }

  get wakeAt(): number | undefined {
    const times = [...this.#talks.values()].map((talk) => talk.typingUntil).filter((at) => at > 0);
    if (this.#typingSent) times.push(this.#typedAt + TYPING_PAUSE);
    for (const im of this.#unconfirmed()) times.push(im.at + SENT_WITHIN);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  tick(now: number): void {
    for (const talk of this.#talks.values()) if (talk.typingUntil <= now) talk.typingUntil = 0;
    if (this.#typingSent && this.#typedAt + TYPING_PAUSE <= now) this.#tellTyping("paused");
    for (const im of this.#unconfirmed()) {
      if (im.at + SENT_WITHIN <= now) this.#settle(im.key, "failed", "no answer from the server");
    }
  }

  // The socket.

  connecting(): void {
    this.#signal = { state: "connecting" };
  }

  lost(): void {
    this.#signal = { state: "offline", reason: "no connection to the server", retries: true };
    this.#everybodyLeft();
    for (const im of this.#unconfirmed()) {
      const waits = this.#waiting.some((message) => message["id"] === im.key);
      if (!waits) this.#settle(im.key, "failed", "the connection ended before it was confirmed");
    }
  }

  receive(frame: string, now: number): void {
    let value: unknown;
    try {
      value = JSON.parse(frame);
    } catch {
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const fields = value as Fields;
    switch (fields["type"]) {
      case "state":
        this.#stateChanged(fields);
        break;
      case "buddies":
        this.#buddies = list(fields["buddies"])
          .map(buddyFrom)
          .filter((buddy) => buddy.name !== "");
        break;
      case "presence":
        this.#presence(fields);
        break;
      case "im":
        this.#came(fields, now);
        break;
      case "typing": {
        const talk = this.#talks.get(compared(text(fields["from"])));
        if (talk) talk.typingUntil = fields["state"] === "typing" ? now + TYPING_SHOWN : 0;
        break;
      }
      case "sent":
        this.#settle(number(fields["id"]), "sent");
        break;
      case "failed":
        this.#settle(number(fields["id"]), "failed", text(fields["reason"]));
        break;
    }
  }

  // The person.

  open(name: string): void {
    this.#stopTyping();
    const talk = this.#talk(name);
    talk.unread = 0;
    this.#current = compared(name);
  }

  /** Before the session is up it waits for it. */
  send(said: string, now: number): void {
    const talk = this.#talks.get(this.#current);
    if (!talk || said.trim() === "") return;
    const key = this.#nextId++;
    this.#append(talk, {
      key,
      mine: true,
      from: this.#screenName,
      text: said,
      at: now,
      auto: false,
      state: "sending",
    });
    this.#typingSent = false;
    this.#waiting.push({ type: "im", id: key, to: talk.name, text: said });
    this.#flush();
  }

  typed(empty: boolean, now: number): void {
    if (this.#signal.state !== "online") return;
    if (empty) this.#stopTyping();
    else {
      this.#typedAt = now;
      if (!this.#typingSent) this.#tellTyping("typing");
    }
  }

  toggleAway(): void {
    this.#away = !this.#away;
    this.#out.push({ type: "away", text: this.#away ? AWAY_WORDS : null });
  }

  // Within.

  #flush(): void {
    if (this.#signal.state === "online") this.#out.push(...this.#waiting.splice(0));
  }

  #stateChanged(fields: Fields): void {
    this.#screenName = text(fields["screen_name"]) || this.#screenName;
    const state = fields["state"];
    if (state === "online") {
      this.#signal = { state };
      // A session knows nothing of the one before it.
      if (this.#away) this.#out.push({ type: "away", text: AWAY_WORDS });
      this.#flush();
      return;
    }
    this.#everybodyLeft();
    if (state === "connecting") this.#signal = { state };
    if (state === "offline") {
      const retries = typeof fields["retry_in"] === "number";
      this.#signal = { state, reason: text(fields["reason"]) || "signed off", retries };
    }
  }

  #presence(fields: Fields): void {
    const changed = buddyFrom(fields);
    this.#buddies = this.#buddies.map((buddy) =>
      compared(buddy.name) === compared(changed.name)
        ? { ...changed, name: buddy.name, group: buddy.group }
        : buddy,
    );
    const talk = this.#talks.get(compared(changed.name));
    if (talk && !changed.online) talk.typingUntil = 0;
  }

  #came(fields: Fields, now: number): void {
    const from = text(fields["from"]);
    if (from === "") return;
    const talk = this.#talk(from);
    talk.typingUntil = 0;
    const at = typeof fields["at"] === "number" ? fields["at"] : now;
    const auto = fields["auto"] === true;
    this.#append(talk, { key: this.#nextId++, mine: false, from, text: text(fields["text"]), at, auto });
    if (compared(from) !== this.#current) talk.unread += 1;
  }

  #append(talk: MutableTalk, im: Im): void {
    talk.lines = [...talk.lines, im].slice(-MOST_LINES);
  }

  #settle(key: number, state: ImState, reason?: string): void {
    const at = this.#waiting.findIndex((message) => message["id"] === key);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const talk of this.#talks.values()) {
      talk.lines = talk.lines.map((im) =>
        im.mine && im.key === key && im.state !== "sent"
          ? { ...im, state, ...(reason ? { reason } : {}) }
          : im,
      );
    }
  }

  #unconfirmed(): Im[] {
    return [...this.#talks.values()].flatMap((talk) => talk.lines.filter((im) => im.state === "sending"));
  }

  #talk(name: string): MutableTalk {
    const known = this.#talks.get(compared(name));
    if (known) return known;
    if (this.#talks.size >= MOST_TALKS) {
      const idle = [...this.#talks.keys()].find((key) => key !== this.#current);
      if (idle !== undefined) this.#talks.delete(idle);
    }
    const talk: MutableTalk = { name, lines: [], typingUntil: 0, unread: 0 };
    this.#talks.set(compared(name), talk);
    return talk;
  }

  /** The buddies, and whoever else wrote or is written to. */
  #listed(): Buddy[] {
    const known = new Set(this.#buddies.map((buddy) => compared(buddy.name)));
    const others = [...this.#talks]
      .filter(([key]) => !known.has(key))
      .map(([, { name }]) => ({ name, group: "Others", online: false, away: false, idleMinutes: 0 }));
    return [...this.#buddies, ...others];
  }

  #everybodyLeft(): void {
    this.#buddies = this.#buddies.map((buddy) => ({ ...buddy, online: false, away: false, idleMinutes: 0 }));
    for (const talk of this.#talks.values()) talk.typingUntil = 0;
    this.#typingSent = false;
  }

  #stopTyping(): void {
    if (this.#typingSent) this.#tellTyping("none");
  }

  #tellTyping(state: "typing" | "paused" | "none"): void {
    this.#typingSent = state === "typing";
    this.#out.push({ type: "typing", to: this.#talks.get(this.#current)?.name ?? "", state });
  }
}

export const AWAY_WORDS = "I am away from my desk right now.";

type Fields = Readonly<Record<string, unknown>>;

function buddyFrom(value: unknown): Buddy {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Fields;
  return {
    name: text(fields["name"]),
    group: text(fields["group"]) || "Buddies",
    online: fields["online"] === true,
    away: fields["away"] === true,
    idleMinutes: number(fields["idle_minutes"]),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, 1_000) : [];
}
