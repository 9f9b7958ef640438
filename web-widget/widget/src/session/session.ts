/**
 * The visitor's side of the conversation as a pure machine: calls and frames with the time come in, frames and
 * effects go out by `poll`, `view` says what there is to see, `wakeAt` when `tick` wants to be called.
 *
 * It may not touch a socket, a clock, the page or the storage. Source of the protocol: docs/protocol/visitor.md.
 */

import { withoutFormatting } from "../irc/formatting.ts";
import { format, type Message, nickOf, parse, sameNick } from "../irc/message.ts";
import { guestNick, nickBeside, nickFrom } from "../irc/nick.ts";
import { byteLength, split } from "../irc/split.ts";
import { Backoff, Pace } from "./backoff.ts";
import { Conversation, type Line, type LineState } from "./conversation.ts";
import { Timers } from "./timers.ts";
import type { Connection, Output, View } from "./view.ts";

export interface Unsent {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

export interface Options {
  readonly token: string;
  readonly name: string;
  /** The nick while no name is given, the same at each visit. */
  readonly guest: string;
  readonly unsent: readonly Unsent[];
  /** The newest entry that the visitor has seen before. */
  readonly seen: number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly newId: () => string;
}

type Phase = "idle" | "dialling" | "registering" | "online" | "lost" | "elsewhere";

type Timer =
  /** Socket and registration took too long. */
  | "register"
  /** The next try. */
  | "redial"
  | "ping"
  | "pong"
  | "history"
  /** The gateway's limit lets another line through. */
  | "pace"
  /** Lines went out and nobody said that they are stored. */
  | "unacknowledged"
  /** The server did not answer a change of the nick. */
  | "nick"
  | "their-typing"
  | "my-typing";

const WANTED_CAPS = ["batch", "draft/chathistory", "message-tags", "server-time"];

const REGISTER_WITHIN = 20_000;
const PING_EVERY = 30_000;
const PONG_WITHIN = 10_000;
const HISTORY_WITHIN = 5_000;
const HISTORY_PAGE = 100;
/** A page's entries may be long ones, in several messages each. */
const MOST_IN_BATCH = 20 * HISTORY_PAGE;
const STORED_WITHIN = 15_000;
const NICK_WITHIN = 3_000;
/** A connection that lasted this long was a good one: the next wait is short again. */
const GOOD_AFTER = 10_000;
/** IRCv3: repeat `active` each 3 s, `paused` when nothing was typed for a while. */
const TYPING_REPEAT = 3_000;
const TYPING_PAUSE = 5_000;
/** AIM clients say once that somebody types, not again and again as IRCv3 asks, so this is longer than its 6 s. */
const TYPING_SHOWN = 20_000;
/** Fits any daemon; the gateway names the true limit. */
const BYTES_UNTIL_TOLD = 300;

const CLOSE_POLICY = 1008;
const CLOSE_TOO_LONG = 1009;
const CLOSE_TRY_LATER = 1013;
const CLOSE_ELSEWHERE = 4001;

export class Session {
  readonly #random: () => number;
  readonly #newId: () => string;
  readonly #conversation = new Conversation();
  readonly #timers = new Timers<Timer>();
  readonly #backoff = new Backoff();
  #pace = newPace();
  #out: Output[] = [];

  #token: string;
  #name: string;
  #nick: string;
  #bot = "bridgebot";
  #bytes = BYTES_UNTIL_TOLD;

  #phase: Phase = "idle";
  #dialledBefore = false;
  #lostReason: string | undefined;
  #onlineSince = 0;
  #offeredCaps: string[] = [];

  #botHere = true;
  #wantedNick: string | undefined;
  /** Kept by the browser, for nobody else has them yet. */
  readonly #kept = new Set<string>();
  /** Sent on this connection and not stored yet. */
  readonly #inFlight = new Set<string>();

  #batch: { readonly reference: string; readonly messages: Message[] } | undefined;
  #historyDone = false;
  #hasEarlier = false;
  /** Lines before this entry are still to be fetched, up to what was known before. */
  #gapEnd: number | undefined;
  #conversationId: string | undefined;

  #typing = false;
  #typingSent: "active" | "paused" | "done" = "done";
  #typingSentAt = 0;

  #attended = false;
  #seen: number;
  #unread = 0;

  constructor(options: Options) {
    this.#token = options.token;
    this.#name = options.name;
    this.#seen = options.seen;
    this.#random = options.random;
    this.#newId = options.newId;
    this.#nick = nickFrom(options.name) ?? options.guest;
    for (const { id, text, at } of options.unsent) {
      this.#conversation.add({ author: "visitor", text, at, id, state: "sending" });
      this.#kept.add(id);
    }
  }

  // What the visitor does.

  /** A connection is wanted, from now on. */
  connect(now: number): void {
    if (this.#phase === "idle" || this.#phase === "elsewhere" || this.#phase === "lost") this.#dial(now);
  }

  send(text: string, now: number): void {
    for (const piece of split(text, this.#bytes)) {
      const id = this.#newId();
      this.#conversation.add({ author: "visitor", text: piece, at: now, id, state: "sending" });
      this.#keep(id, piece, now);
    }
    // The line itself tells the other side that the typing is over.
    this.#typingSent = "done";
    this.#timers.clear("my-typing");
    this.#flush(now);
  }

  retry(id: string, now: number): void {
    const line = this.#conversation.byId(id);
    if (!line || !this.#conversation.retry(id)) return;
    this.#keep(id, line.text, line.at);
    this.#flush(now);
  }

  /** The text in the field changed; `empty`: there is none left. */
  typed(empty: boolean, now: number): void {
    if (this.#phase !== "online" || (empty && this.#typingSent === "done")) return;
    if (empty) {
      this.#tellTyping("done", now);
      this.#timers.clear("my-typing");
      return;
    }
    if (this.#typingSent !== "active" || now - this.#typingSentAt >= TYPING_REPEAT)
      this.#tellTyping("active", now);
    this.#timers.set("my-typing", now + TYPING_PAUSE);
  }

  rename(name: string, now: number): void {
    this.#name = name;
    const nick = nickFrom(name);
    if (!nick || sameNick(nick, this.#nick)) return;
    if (this.#phase === "online") this.#changeNick(nick, now);
    else if (this.#phase !== "registering") this.#nick = nick;
    else this.#wantedNick = nick;
  }

  /** Lines before the first one shown. */
  earlier(now: number): void {
    const oldest = this.#conversation.oldestEntry;
    if (this.#phase === "online" && oldest !== undefined) this.#askHistory("BEFORE", oldest, now);
  }

  /** Whether somebody looks at the conversation. */
  attend(attended: boolean): void {
    this.#attended = attended;
    if (attended) this.#markSeen();
  }

  // What the socket says.

  opened(now: number): void {
    this.#phase = "registering";
    this.#timers.set("register", now + REGISTER_WITHIN);
    this.#frame("SESSION", [this.#token]);
    this.#frame("CAP", ["LS", "302"]);
    this.#frame("NICK", [this.#nick]);
    this.#frame("USER", ["visitor", "0", "*", "visitor"]);
  }

  receive(frame: string, now: number): void {
    if (this.#phase !== "registering" && this.#phase !== "online") return;
    for (const line of frame.split("\n")) {
      const message = parse(line);
      if (message) this.#handle(message, now);
    }
  }

  closed(code: number, reason: string, now: number): void {
    if (this.#phase === "idle" || this.#phase === "elsewhere" || this.#phase === "lost") return;
    if (this.#phase === "online" && now - this.#onlineSince >= GOOD_AFTER) this.#backoff.reset();
    if (code === CLOSE_TOO_LONG) this.#failInFlight();
    this.#leave();
    if (code === CLOSE_ELSEWHERE) {
      this.#phase = "elsewhere";
      return;
    }
    this.#phase = "lost";
    this.#lostReason = code === CLOSE_POLICY && reason !== "" ? reason : undefined;
    const patience = code === CLOSE_POLICY ? 4 : code === CLOSE_TRY_LATER ? 2 : 0;
    this.#timers.set("redial", now + this.#backoff.next(this.#random, patience));
  }

  /** The network is back or the page is looked at again: don't wait for a timer to find out where we stand. */
  nudge(now: number): void {
    if (this.#phase === "lost") this.#dial(now);
    else if (this.#phase === "online") this.#ping(now);
  }

  // Time.

  get wakeAt(): number | undefined {
    return this.#timers.next;
  }

  /** Harmless when early. */
  tick(now: number): void {
    for (const timer of this.#timers.take(now)) this.#expire(timer, now);
  }

  // What there is to see and to do.

  poll(): readonly Output[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  get view(): View {
    return {
      connection: this.#connection(),
      reason: this.#lostReason,
      lines: this.#conversation.lines,
      typing: this.#typing,
      botHere: this.#botHere,
      loading: this.#phase === "online" && !this.#historyDone,
      hasEarlier: this.#hasEarlier,
      unread: this.#unread,
      name: this.#name,
    };
  }

  #connection(): Connection {
    if (this.#phase !== "dialling" && this.#phase !== "registering") return this.#phase;
    return this.#dialledBefore ? "reconnecting" : "connecting";
  }

  #dial(now: number): void {
    this.#timers.clear("redial");
    this.#phase = "dialling";
    this.#timers.set("register", now + REGISTER_WITHIN);
    this.#out.push({ kind: "connect" });
  }

  /** Everything that belongs to one connection ends with it. */
  #leave(): void {
    this.#timers.clear();
    this.#dialledBefore = true;
    this.#inFlight.clear();
    this.#batch = undefined;
    this.#historyDone = false;
    this.#gapEnd = undefined;
    this.#offeredCaps = [];
    this.#wantedNick = undefined;
    this.#botHere = true;
    this.#typing = false;
    this.#typingSent = "done";
    this.#pace = newPace();
  }

  /** The connection is of no use any more; the socket's own end may take minutes to be noticed. */
  #drop(now: number): void {
    this.#out.push({ kind: "disconnect" });
    this.closed(0, "", now);
  }

  #expire(timer: Timer, now: number): void {
    switch (timer) {
      case "register":
      case "pong":
        this.#drop(now);
        break;
      case "redial":
        this.#dial(now);
        break;
      case "ping":
        this.#ping(now);
        break;
      case "history":
        this.#afterHistory(now);
        break;
      case "unacknowledged":
        this.#inFlight.clear();
        this.#flush(now);
        break;
      case "nick":
        this.#wantedNick = undefined;
        this.#flush(now);
        break;
      case "pace":
        this.#flush(now);
        break;
      case "their-typing":
        this.#typing = false;
        break;
      case "my-typing":
        if (this.#typingSent === "active") this.#tellTyping("paused", now);
        break;
    }
  }

  #handle(message: Message, now: number): void {
    const { command, params, tags } = message;
    const reference = tags.get("batch");
    if (reference !== undefined && this.#batch?.reference === reference) {
      if (this.#batch.messages.length < MOST_IN_BATCH) this.#batch.messages.push(message);
      return;
    }
    switch (command) {
      case "PING":
        this.#frame("PONG", params.slice(0, 1));
        break;
      case "PONG":
        this.#timers.clear("pong");
        break;
      case "NOTE":
        if (params[0] === "SESSION" && params[1] === "READY") this.#ready(params[2], params[3], now);
        break;
      case "FAIL":
        this.#fail(params, now);
        break;
      case "CAP":
        this.#capability(params);
        break;
      case "001":
        this.#welcome(params[0], now);
        break;
      case "432":
      case "433":
      case "436":
      case "437":
        this.#nickRefused(command, now);
        break;
      case "NICK":
        this.#nickChanged(message, now);
        break;
      case "401":
        if (sameNick(params[1] ?? "", this.#bot)) this.#botHere = false;
        break;
      case "421":
        if (params[1]?.toUpperCase() === "CHATHISTORY") this.#afterHistory(now);
        break;
      case "730":
        if (this.#names(params[1])) this.#botIsBack(now);
        break;
      case "731":
        if (this.#names(params[1])) this.#botHere = false;
        break;
      case "BATCH":
        this.#batchMark(params, now);
        break;
      case "PRIVMSG":
      case "NOTICE":
        this.#said(message, now, true);
        break;
      case "TAGMSG":
        this.#tagged(message, now);
        break;
    }
  }

  /** Said once while registering, and again where the bot comes back under another nick. */
  #ready(bot: string | undefined, bytes: string | undefined, now: number): void {
    if (bot) this.#bot = bot;
    const limit = Number(bytes);
    if (Number.isInteger(limit) && limit >= 16 && limit <= 8_192) this.#bytes = limit;
    this.#botIsBack(now);
  }

  #fail(params: readonly string[], now: number): void {
    if (params[0] === "CHATHISTORY") this.#afterHistory(now);
    else if (params[0] === "SESSION" && params[1] === "INVALID_TOKEN") this.#out.push({ kind: "renew" });
  }

  /** A new token; it counts from the next connection on. */
  renewed(token: string): void {
    this.#token = token;
  }

  #capability(params: readonly string[]): void {
    const verb = params[1]?.toUpperCase();
    if (verb === "LS" && this.#phase === "registering") {
      const more = params[2] === "*";
      const offered = (params[more ? 3 : 2] ?? "").split(" ").map((cap) => cap.split("=", 1)[0] ?? "");
      if (this.#offeredCaps.length < 200) this.#offeredCaps.push(...offered);
      if (more) return;
      const wanted = WANTED_CAPS.filter((cap) => this.#offeredCaps.includes(cap));
      if (wanted.length > 0) this.#frame("CAP", ["REQ", wanted.join(" ")]);
      else this.#frame("CAP", ["END"]);
    } else if ((verb === "ACK" || verb === "NAK") && this.#phase === "registering") {
      this.#frame("CAP", ["END"]);
    }
  }

  #welcome(nick: string | undefined, now: number): void {
    if (this.#phase !== "registering") return;
    this.#phase = "online";
    this.#onlineSince = now;
    this.#lostReason = undefined;
    if (nick) this.#nick = nick;
    this.#timers.clear("register");
    this.#timers.set("ping", now + PING_EVERY);
    this.#frame("MONITOR", ["+", this.#bot]);
    this.#frame("CHATHISTORY", ["LATEST", this.#bot, "*", `${HISTORY_PAGE}`]);
    this.#timers.set("history", now + HISTORY_WITHIN);
    if (this.#wantedNick) this.#changeNick(this.#wantedNick, now);
  }

  #changeNick(nick: string, now: number): void {
    this.#wantedNick = nick;
    this.#timers.set("nick", now + NICK_WITHIN);
    this.#frame("NICK", [nick]);
  }

  #nickRefused(numeric: string, now: number): void {
    const tried = this.#phase === "online" ? this.#wantedNick : this.#nick;
    if (tried === undefined) return;
    const next =
      numeric === "433" || numeric === "436" ? nickBeside(tried, this.#random) : guestNick(this.#random);
    if (this.#phase === "online") {
      // The one that we have is better than a guest's.
      if (numeric === "433") this.#changeNick(next, now);
      else this.#nickSettled(now);
    } else {
      this.#nick = next;
      this.#frame("NICK", [next]);
    }
  }

  #nickChanged(message: Message, now: number): void {
    const [to] = message.params;
    if (!to || !sameNick(nickOf(message.source), this.#nick)) return;
    this.#nick = to;
    this.#nickSettled(now);
  }

  #nickSettled(now: number): void {
    this.#wantedNick = undefined;
    this.#timers.clear("nick");
    this.#flush(now);
  }

  /** Whether a MONITOR numeric's list of nicks or sources names the bot. */
  #names(list: string | undefined): boolean {
    return (list ?? "").split(",").some((source) => sameNick(nickOf(source), this.#bot));
  }

  #botIsBack(now: number): void {
    if (!this.#botHere) this.#inFlight.clear();
    this.#botHere = true;
    this.#flush(now);
  }

  #batchMark(params: readonly string[], now: number): void {
    const reference = params[0] ?? "";
    if (reference.startsWith("+") && params[1] === "chathistory") {
      this.#batch = { reference: reference.slice(1), messages: [] };
    } else if (this.#batch && reference === `-${this.#batch.reference}`) {
      const { messages } = this.#batch;
      this.#batch = undefined;
      this.#history(messages, now);
    }
  }

  #history(messages: readonly Message[], now: number): void {
    const page = joined(messages);
    const entries = page.map((message) => entryOf(message) ?? 0);
    const oldest = entries[0] ?? 0;
    const newest = entries.at(-1) ?? 0;
    const { newestEntry: known, oldestEntry: first } = this.#conversation;
    for (const message of page) {
      this.#conversationId ??= /^(.+)-\d+$/.exec(message.tags.get("msgid") ?? "")?.[1];
      this.#said(message, now, false);
    }
    const isFull = page.length >= HISTORY_PAGE;
    if (first === undefined || oldest < first) this.#hasEarlier = isFull;
    this.#afterHistory(now);
    // More was said while we were away than one page holds: fetch what lies between, page by page.
    const end = this.#gapEnd ?? (known > 0 ? oldest : 0);
    const from = this.#gapEnd === undefined ? known : newest;
    this.#gapEnd = isFull && from + 1 < end ? end : undefined;
    if (this.#gapEnd !== undefined) this.#askHistory("AFTER", from, now);
  }

  #askHistory(verb: "AFTER" | "BEFORE", entry: number, now: number): void {
    if (!this.#conversationId) return;
    this.#frame("CHATHISTORY", [
      verb,
      this.#bot,
      `msgid=${this.#conversationId}-${entry}`,
      `${HISTORY_PAGE}`,
    ]);
    this.#timers.set("history", now + HISTORY_WITHIN);
  }

  /** What was kept may go now: the history told which of it had been stored already. */
  #afterHistory(now: number): void {
    this.#timers.clear("history");
    this.#historyDone = true;
    if (this.#attended) this.#markSeen();
    this.#flush(now);
  }

  #said(message: Message, now: number, fresh: boolean): void {
    const { tags, command, params } = message;
    const text = withoutFormatting(params[1] ?? "");
    const nick = nickOf(message.source);
    const at = Date.parse(tags.get("time") ?? "") || now;
    const entry = entryOf(message);
    const numbered = entry === undefined ? {} : { entry };
    const id = tags.get("+bridgebot/id");

    if (command === "PRIVMSG" && (sameNick(nick, this.#nick) || (!fresh && !this.#isBot(message)))) {
      // Our own, from the history or as an echo. Without an id it can't be told from one that is here already.
      if (id === undefined && entry === undefined) return;
      const state = lineState(tags.get("+bridgebot/state")) ?? "stored";
      this.#conversation.add({
        author: "visitor",
        text,
        at,
        state,
        ...numbered,
        ...(id === undefined ? {} : { id }),
      });
      if (id !== undefined) this.#settled(id);
      return;
    }
    if (!this.#isBot(message) && !(command === "NOTICE" && tags.has("+bridgebot/kind") && isServer(message)))
      return;
    if (text === "") return;
    const name = tags.get("+bridgebot/from");
    const line = { text, at, ...numbered, ...(name ? { name } : {}) };
    if (command === "NOTICE") {
      const last = this.#conversation.lines.at(-1);
      // Said again and again (nobody is here), once is enough.
      if (last?.author === "bridge" && last.text === text) return;
      this.#conversation.add({ ...line, author: "bridge" });
      return;
    }
    this.#typing = false;
    this.#timers.clear("their-typing");
    if (!this.#conversation.add({ ...line, author: "staff" }, !fresh)) return;
    const unseen = entry === undefined ? fresh : entry > this.#seen;
    if (this.#attended) this.#markSeen();
    else if (unseen) this.#unread += 1;
    const added = this.#conversation.lines.find((l) =>
      entry === undefined ? l.at === at && l.text === text : l.entry === entry,
    );
    if (added) this.#out.push({ kind: "message", line: added, fresh });
  }

  #tagged(message: Message, now: number): void {
    if (!this.#isBot(message) && !isServer(message)) return;
    const { tags } = message;
    const id = tags.get("+bridgebot/id");
    const state = lineState(tags.get("+bridgebot/state"));
    if (id !== undefined && state) this.#learn(id, state, tags.get("+bridgebot/reason"));
    const typing = tags.get("+typing");
    if (typing !== undefined) {
      this.#typing = typing === "active";
      if (this.#typing) this.#timers.set("their-typing", now + TYPING_SHOWN);
      else this.#timers.clear("their-typing");
    }
  }

  #learn(id: string, state: LineState, reason: string | undefined): void {
    if (!this.#conversation.byId(id)) return;
    const changed = this.#conversation.setState(id, state, reason && withoutFormatting(reason));
    this.#botHere = true;
    this.#settled(id);
    const line = this.#conversation.byId(id);
    if (changed && line) this.#out.push({ kind: "state", line });
  }

  /** The server's side has the line, or has refused it: it isn't ours to keep any more. */
  #settled(id: string): void {
    this.#inFlight.delete(id);
    if (this.#inFlight.size === 0) this.#timers.clear("unacknowledged");
    if (this.#kept.delete(id)) this.#out.push({ kind: "forget", id });
  }

  #keep(id: string, text: string, at: number): void {
    this.#kept.add(id);
    this.#out.push({ kind: "keep", id, text, at });
  }

  #failInFlight(): void {
    for (const id of this.#inFlight) this.#learn(id, "failed", "it was too long");
  }

  /** Sends what waits, in order, as fast as the gateway allows. */
  #flush(now: number): void {
    if (this.#phase !== "online" || !this.#historyDone || this.#wantedNick !== undefined) return;
    for (const line of this.#conversation.lines.filter((l) => l.state === "sending")) {
      if (line.id === undefined || this.#inFlight.has(line.id)) continue;
      if (byteLength(line.text) > this.#bytes) {
        this.#divide(line, line.id);
        this.#flush(now);
        return;
      }
      const wait = this.#pace.take(now);
      if (wait > 0) {
        this.#timers.set("pace", now + wait);
        return;
      }
      this.#frame("PRIVMSG", [this.#bot, line.text], { "+bridgebot/id": line.id });
      this.#inFlight.add(line.id);
      this.#timers.ensure("unacknowledged", now + STORED_WITHIN);
    }
  }

  /** It was written before the gateway named its limit. */
  #divide(line: Line, id: string): void {
    const pieces = split(line.text, this.#bytes).map((text, n) => ({
      id: n === 0 ? id : this.#newId(),
      text,
    }));
    this.#conversation.divide(id, pieces);
    for (const piece of pieces) this.#keep(piece.id, piece.text, line.at);
  }

  #tellTyping(state: "active" | "paused" | "done", now: number): void {
    this.#typingSent = state;
    this.#typingSentAt = now;
    this.#frame("TAGMSG", [this.#bot], { "+typing": state });
  }

  #ping(now: number): void {
    this.#timers.set("ping", now + PING_EVERY);
    this.#timers.ensure("pong", now + PONG_WITHIN);
    this.#frame("PING", [`${now}`]);
  }

  #markSeen(): void {
    this.#unread = 0;
    const newest = this.#conversation.newestEntry;
    if (newest > this.#seen) {
      this.#seen = newest;
      this.#out.push({ kind: "seen", entry: newest });
    }
  }

  #isBot(message: Message): boolean {
    return sameNick(nickOf(message.source), this.#bot);
  }

  #frame(command: string, params: readonly string[], tags: Readonly<Record<string, string>> = {}): void {
    this.#out.push({ kind: "frame", line: format(command, params, tags) });
  }
}

/** The gateway takes 5 at once, then one a second. A little slower, for clocks and networks differ. */
function newPace(): Pace {
  return new Pace(5, 1_100);
}

/** Another user's source has a `!`; only the gateway and the daemon have none. */
function isServer(message: Message): boolean {
  return !message.source.includes("!");
}

/** The messages of one entry as one. */
function joined(messages: readonly Message[]): Message[] {
  const whole: Message[] = [];
  for (const message of messages) {
    const last = whole.at(-1);
    const entry = entryOf(message);
    if (last && entry !== undefined && entryOf(last) === entry && last.command === message.command) {
      const [target = "", text = ""] = last.params;
      whole[whole.length - 1] = { ...last, params: [target, `${text}\n${message.params[1] ?? ""}`] };
    } else {
      whole.push(message);
    }
  }
  return whole;
}

function entryOf(message: Message): number | undefined {
  const entry = Number(message.tags.get("+bridgebot/entry") ?? "");
  return Number.isSafeInteger(entry) && entry > 0 ? entry : undefined;
}

function lineState(word: string | undefined): LineState | undefined {
  return word === "stored" || word === "waiting" || word === "taken" || word === "failed" ? word : undefined;
}
