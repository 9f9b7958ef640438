/**
 * A gateway with a bridge behind it as docs/protocol/visitor.md describes them, in memory: what the widget's tests
 * talk to. It stores each line once, and a test says what staff and server do.
 */

import { format, nickOf, parse } from "../../src/irc/message.ts";
import type { ServerSocket } from "./web-socket.ts";

interface Entry {
  readonly number: number;
  readonly at: number;
  readonly text: string;
  readonly id?: string;
  state?: string;
  readonly from?: string;
}

interface Visitor {
  nick: string;
  socket: ServerSocket | undefined;
  readonly entries: Entry[];
}

export class Visitors {
  /** What becomes of a line: how it is stored, `silent` stored without a word, `lost` on the way. */
  outcome: "stored" | "waiting" | "taken" | "silent" | "lost" = "taken";
  bytes = 380;
  readonly seen: string[] = [];
  readonly #byToken = new Map<string, Visitor>();
  readonly #taken = new Set<string>();
  #latest: Visitor | undefined;

  /** Every nick of these is somebody else's. */
  occupy(...nicks: string[]): void {
    for (const nick of nicks) this.#taken.add(nick);
  }

  get connected(): number {
    return [...this.#byToken.values()].filter((visitor) => visitor.socket).length;
  }

  get nick(): string {
    return this.#latest?.nick ?? "";
  }

  get texts(): string[] {
    return (this.#latest?.entries ?? []).map((entry) => entry.text);
  }

  accept(socket: ServerSocket): void {
    let visitor: Visitor = { nick: "", socket, entries: [] };
    let user = false;
    let welcomed = false;
    let negotiating = false;
    const send = (command: string, params: string[], tags: Record<string, string> = {}): void => {
      const line = format(command, params, tags);
      const [, tagged = "", rest = line] = /^(@\S+ )?(.*)$/s.exec(line) ?? [];
      socket.send(`${tagged}:gateway.test ${rest}`);
    };
    const welcome = (): void => {
      if (welcomed || negotiating || !user || visitor.nick === "") return;
      welcomed = true;
      this.#latest = visitor;
      send("001", [visitor.nick, "Welcome"]);
      send("422", [visitor.nick, "No message of the day"]);
    };
    socket.onClose = () => {
      if (visitor.socket === socket) visitor.socket = undefined;
    };
    socket.onMessage = (line) => {
      this.seen.push(line);
      const message = parse(line);
      if (!message) return;
      const [first = "", second = ""] = message.params;
      switch (message.command) {
        case "SESSION": {
          const known = this.#byToken.get(first);
          if (known) {
            known.socket?.send("ERROR :Closing Link: gateway.test (continued elsewhere)");
            const before = known.socket;
            known.socket = socket;
            before?.close(4001, "continued elsewhere");
            visitor = known;
          }
          this.#byToken.set(first, visitor);
          send("NOTE", ["SESSION", "READY", "bridgebot", `${this.bytes}`, "speak to bridgebot"]);
          break;
        }
        case "CAP":
          negotiating = first !== "END";
          if (first === "LS")
            send("CAP", ["*", "LS", "message-tags server-time batch echo-message draft/chathistory"]);
          if (first === "REQ") send("CAP", ["*", "ACK", second]);
          welcome();
          break;
        case "NICK":
          if (this.#taken.has(first)) {
            send("433", [visitor.nick || "*", first, "Nickname is already in use"]);
          } else {
            if (welcomed) socket.send(`:${visitor.nick}!~v@web NICK ${first}`);
            visitor.nick = first;
            welcome();
          }
          break;
        case "USER":
          user = true;
          welcome();
          break;
        case "PING":
          send("PONG", ["gateway.test", first]);
          break;
        case "PRIVMSG":
          this.#store(visitor, second, message.tags.get("+bridgebot/id"));
          break;
        case "CHATHISTORY":
          this.#history(visitor, message.params, send);
          break;
      }
    };
  }

  /** A member of the staff answers the visitor who came last. */
  answer(text: string, from = "staff1"): void {
    const visitor = this.#latest;
    if (!visitor) throw new Error("nobody is there to be answered");
    const number = visitor.entries.length + 1;
    const at = Date.now();
    visitor.entries.push({ number, at, text, from });
    const tags = {
      time: new Date(at).toISOString(),
      "+bridgebot/from": from,
      "+bridgebot/entry": `${number}`,
    };
    this.say("PRIVMSG", tags, text);
  }

  /** The bot says something that isn't part of the conversation. */
  say(command: string, tags: Record<string, string>, ...text: string[]): void {
    const visitor = this.#latest;
    const [, tagged = "", rest] =
      /^(@\S+ )?(.*)$/s.exec(format(command, [visitor?.nick ?? "", ...text], tags)) ?? [];
    visitor?.socket?.send(`${tagged}:bridgebot!bot@bridge ${rest}`);
  }

  state(text: string, state: string, reason?: string): void {
    const entry = this.#latest?.entries.find((e) => e.text === text);
    if (!entry?.id) throw new Error(`nobody said: ${text}`);
    entry.state = state;
    this.say("TAGMSG", {
      "+bridgebot/id": entry.id,
      "+bridgebot/state": state,
      ...(reason ? { "+bridgebot/reason": reason } : {}),
    });
  }

  /** Every connection ends with this code; without one they are just gone. */
  drop(code?: number, reason?: string): void {
    for (const { socket } of this.#byToken.values()) {
      if (code === undefined) socket?.cut();
      else socket?.close(code, reason);
    }
  }

  #store(visitor: Visitor, text: string, id: string | undefined): void {
    if (this.outcome === "lost") return;
    if (!visitor.entries.some((entry) => entry.id === id)) {
      visitor.entries.push({
        number: visitor.entries.length + 1,
        at: Date.now(),
        text,
        ...(id ? { id } : {}),
      });
    }
    if (this.outcome === "silent") return;
    this.state(text, "stored");
    if (this.outcome !== "stored") this.state(text, this.outcome);
  }

  #history(
    visitor: Visitor,
    params: readonly string[],
    send: (command: string, params: string[], tags?: Record<string, string>) => void,
  ): void {
    const [verb, bot = "", from = "", limit = "0"] = params;
    const mark = Number(/-(\d+)$/.exec(from)?.[1] ?? 0);
    const most = Number(limit);
    const entries =
      verb === "AFTER"
        ? visitor.entries.filter((entry) => entry.number > mark).slice(0, most)
        : visitor.entries.filter((entry) => verb === "LATEST" || entry.number < mark).slice(-most);
    send("BATCH", ["+h", "chathistory", bot]);
    for (const entry of entries) {
      const tags: Record<string, string> = {
        batch: "h",
        time: new Date(entry.at).toISOString(),
        msgid: `c1-${entry.number}`,
        "+bridgebot/entry": `${entry.number}`,
      };
      if (entry.from) tags["+bridgebot/from"] = entry.from;
      if (entry.id) tags["+bridgebot/id"] = entry.id;
      if (entry.id) tags["+bridgebot/state"] = entry.state ?? "stored";
      const source = entry.from ? "bridgebot!bot@bridge" : `${visitor.nick}!~v@web`;
      const line = format("PRIVMSG", [entry.from ? visitor.nick : nickOf(bot), entry.text], tags);
      const [, tagged = "", rest = ""] = /^(@\S+ )(.*)$/s.exec(line) ?? [];
      visitor.socket?.send(`${tagged}:${source} ${rest}`);
    }
    send("BATCH", ["-h"]);
  }
}
