/** A session's conversation with a server as a transcript: both sides and the clock in view. */

import assert from "node:assert/strict";
import { type Options, Session } from "../../src/session/session.ts";
import type { Output } from "../../src/session/view.ts";

export const TOKEN = "0123456789abcdefABCDEF";

export class Transcript {
  readonly session: Session;
  now = 1_000_000;
  #ids = 0;
  #frames: string[] = [];
  #effects: Output[] = [];

  constructor(options: Partial<Options> = {}) {
    this.session = new Session({
      token: TOKEN,
      name: "",
      guest: "guest-8000",
      unsent: [],
      seen: 0,
      random: () => 0.5,
      newId: () => `id${++this.#ids}`,
      ...options,
    });
  }

  /** Connected, registered, with an empty history. */
  static online(options: Partial<Options> = {}): Transcript {
    const t = new Transcript(options).does((session, now) => session.connect(now)).opens();
    t.gets(":gw NOTE SESSION READY bridgebot 100 :speak").gets(
      ":gw CAP * LS :message-tags server-time batch",
    );
    t.gets(":gw CAP * ACK :message-tags server-time batch").gets(`:gw 001 ${t.nick} :Welcome`).history();
    return t.forget();
  }

  get nick(): string {
    const nick = this.#all.find((line) => line.startsWith("NICK "));
    return nick?.slice(5) ?? "guest-8000";
  }

  readonly #all: string[] = [];

  /** What the visitor does. */
  does(call: (session: Session, now: number) => void): this {
    call(this.session, this.now);
    return this.#drain();
  }

  says(text: string): this {
    return this.does((session, now) => session.send(text, now));
  }

  opens(): this {
    return this.does((session, now) => session.opened(now));
  }

  closes(code: number, reason = ""): this {
    return this.does((session, now) => session.closed(code, reason, now));
  }

  gets(line: string): this {
    return this.does((session, now) => session.receive(line, now));
  }

  /** The answer to CHATHISTORY. */
  history(...lines: string[]): this {
    this.gets(":gw BATCH +1 chathistory bridgebot");
    for (const line of lines)
      this.gets(line.startsWith("@") ? `@batch=1;${line.slice(1)}` : `@batch=1 ${line}`);
    return this.gets(":gw BATCH -1");
  }

  /** Time passes; each timer on the way goes off when it is due. */
  after(milliseconds: number): this {
    const end = this.now + milliseconds;
    for (let due = this.session.wakeAt; due !== undefined && due <= end; due = this.session.wakeAt) {
      this.now = Math.max(this.now, due);
      this.does((session, now) => session.tick(now));
    }
    this.now = end;
    return this;
  }

  /** Exactly these frames were sent since the last look. */
  sends(...frames: string[]): this {
    assert.deepEqual(this.#frames, frames);
    this.#frames = [];
    return this;
  }

  silent(): this {
    return this.sends();
  }

  /** These effects, among others. */
  effect(...wanted: Partial<Output>[]): this {
    for (const want of wanted) {
      const found = this.#effects.some((effect) =>
        Object.entries(want).every(([key, value]) => effect[key as keyof Output] === value),
      );
      assert.ok(found, `no ${JSON.stringify(want)} in ${JSON.stringify(this.#effects)}`);
    }
    this.#effects = [];
    return this;
  }

  without(kind: Output["kind"]): this {
    assert.deepEqual(
      this.#effects.filter((effect) => effect.kind === kind),
      [],
    );
    return this;
  }

  forget(): this {
    this.#frames = [];
    this.#effects = [];
    return this;
  }

  /** The lines as `author state: text`. */
  shows(...lines: string[]): this {
    const shown = this.session.view.lines.map(
      ({ author, state, text }) => `${author}${state ? ` ${state}` : ""}: ${text}`,
    );
    assert.deepEqual(shown, lines);
    return this;
  }

  is(connection: string): this {
    assert.equal(this.session.view.connection, connection);
    return this;
  }

  #drain(): this {
    for (const output of this.session.poll()) {
      if (output.kind === "frame") {
        this.#frames.push(output.line);
        this.#all.push(output.line);
      } else {
        this.#effects.push(output);
      }
    }
    return this;
  }
}

export const seconds = (count: number): number => count * 1_000;
