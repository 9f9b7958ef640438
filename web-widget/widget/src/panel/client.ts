/**
 * Joins the session to the world: socket, clock, storage, timers, other tabs. After each call the session's effects
 * are carried out and whoever draws is told.
 */

import { guestNick } from "../irc/nick.ts";
import type { Line } from "../session/conversation.ts";
import { Session, type Unsent } from "../session/session.ts";
import type { Output, View } from "../session/view.ts";
import type { RecordStore, Remembered } from "./record.ts";
import { Transport } from "./transport.ts";

export interface ClientEvents {
  changed(view: View): void;
  message(line: Line, fresh: boolean): void;
  state(line: Line): void;
}

/** After this long without a line from the visitor, a page that is only loaded doesn't connect by itself. */
const AWAITS_ANSWER_FOR = 24 * 60 * 60 * 1_000;

export class Client {
  readonly #session: Session;
  readonly #store: RecordStore;
  readonly #events: ClientEvents;
  readonly #transport: Transport;
  readonly #lockName: string;
  readonly #record: Remembered;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, store: RecordStore, events: ClientEvents) {
    const known = store.load(Date.now());
    this.#record = known ?? {
      token: randomId(24),
      name: "",
      guest: guestNick(Math.random),
      seen: 0,
      spoke: 0,
      unsent: [],
    };
    this.#store = store;
    this.#events = events;
    this.#lockName = `bridgebot:${url}`;
    this.#session = new Session({ ...this.#record, random: Math.random, newId: () => randomId(12) });
    this.#transport = new Transport(() => `${url}?page=${path()}`, {
      opened: () => this.#do((session, now) => session.opened(now)),
      frame: (line) => this.#do((session, now) => session.receive(line, now)),
      closed: (code, reason) => this.#do((session, now) => session.closed(code, reason, now)),
    });
    addEventListener("online", () => this.#do((session, now) => session.nudge(now)));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#do((session, now) => session.nudge(now));
    });
  }

  get view(): View {
    return this.#session.view;
  }

  /** The visitor asks for it: this tab has the conversation now, whoever had it. */
  connect(): void {
    this.#hold({ steal: true });
    this.#do((session, now) => session.connect(now));
  }

  /** An answer may be waiting. Connects unless another tab of this browser has the conversation. */
  connectIfAwaited(): void {
    if (Date.now() - this.#record.spoke > AWAITS_ANSWER_FOR) return;
    this.#hold({ ifAvailable: true }, () => this.#do((session, now) => session.connect(now)));
  }

  send(text: string): void {
    this.#record.spoke = Date.now();
    this.#do((session, now) => session.send(text, now));
  }

  retry(id: string): void {
    this.#do((session, now) => session.retry(id, now));
  }

  typed(empty: boolean): void {
    this.#do((session, now) => session.typed(empty, now));
  }

  rename(name: string): void {
    this.#record.name = name;
    // Who only looks is not remembered.
    if (this.#record.spoke > 0) this.#remember();
    this.#do((session, now) => session.rename(name, now));
  }

  earlier(): void {
    this.#do((session, now) => session.earlier(now));
  }

  attend(attended: boolean): void {
    this.#do((session) => session.attend(attended));
  }

  #do(call: (session: Session, now: number) => void): void {
    const now = Date.now();
    call(this.#session, now);
    for (const output of this.#session.poll()) this.#carryOut(output);
    clearTimeout(this.#timer);
    const wakeAt = this.#session.wakeAt;
    if (wakeAt !== undefined) {
      this.#timer = setTimeout(() => this.#do((session, at) => session.tick(at)), Math.max(0, wakeAt - now));
    }
    this.#events.changed(this.#session.view);
  }

  #carryOut(output: Output): void {
    switch (output.kind) {
      case "connect":
        this.#transport.connect();
        break;
      case "disconnect":
        this.#transport.disconnect();
        break;
      case "frame":
        this.#transport.send(output.line);
        break;
      case "keep": {
        const { id, text, at } = output;
        this.#remember((unsent) => [...unsent.filter((line) => line.id !== id), { id, text, at }]);
        break;
      }
      case "forget":
        this.#remember((unsent) => unsent.filter((line) => line.id !== output.id));
        break;
      case "seen":
        this.#record.seen = output.entry;
        this.#remember();
        break;
      case "renew":
        this.#record.token = randomId(24);
        this.#session.renewed(this.#record.token);
        this.#remember();
        break;
      case "message":
        this.#events.message(output.line, output.fresh);
        break;
      case "state":
        this.#events.state(output.line);
        break;
    }
  }

  #remember(change: (unsent: readonly Unsent[]) => readonly Unsent[] = (unsent) => unsent): void {
    this.#record.unsent = change(this.#record.unsent);
    this.#store.save(this.#record, change, Date.now());
  }

  /** While this page lives it holds the lock that says: here is the connection. */
  #hold(how: LockOptions, then?: () => void): void {
    navigator.locks
      ?.request(this.#lockName, how, (lock) => {
        if (!lock) return undefined;
        then?.();
        return new Promise<never>(() => {});
      })
      // Another tab took it; the gateway tells us so by the socket's end.
      .catch(() => {});
  }
}

/** Where the visitor is, for staff: at most 256 bytes, and never what stands behind the question mark. */
function path(): string {
  return location.pathname.replace(/&/g, "%26").slice(0, 256);
}

/** URL-safe; `bytes` random ones. */
function randomId(bytes: number): string {
  const binary = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
