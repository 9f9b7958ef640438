/** Draws the lines of the conversation, changing only what changed, so that a reader's place and voice stay. */

import type { Words } from "../i18n/en.ts";
import type { Line } from "../session/conversation.ts";
import { element, icon, setText } from "./dom.ts";
import { withLinks } from "./links.ts";

const ONE_TICK = "M5 12.5l4.5 4.5L19 7.5";
const TWO_TICKS = "M2 12.5l4.5 4.5L16 7.5M11.5 15.8l1.2 1.2L22 7.7";
const CLOCK = "M12 7v5l3 2M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17";
const ALERT = "M12 8v5M12 16.2v.1M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17";
const MARKS = {
  sending: CLOCK,
  stored: ONE_TICK,
  waiting: ONE_TICK,
  taken: TWO_TICKS,
  failed: ALERT,
} as const;

/** Lines of one person closer than this stand together. */
const TOGETHER = 5 * 60 * 1_000;

interface Drawn {
  readonly node: HTMLElement;
  line: Line | undefined;
  place: string;
}

export class Log {
  readonly node: HTMLElement;
  readonly #words: Words;
  readonly #retry: (id: string) => void;
  readonly #drawn = new Map<number, Drawn>();

  constructor(words: Words, retry: (id: string) => void) {
    this.#words = words;
    this.#retry = retry;
    this.node = element("div", {
      class: "log",
      role: "log",
      "aria-label": words.conversation,
      "aria-live": "polite",
      "aria-relevant": "additions",
    });
  }

  draw(lines: readonly Line[], now: number): void {
    const keys = new Set(lines.map((line) => line.key));
    for (const [key, { node }] of this.#drawn) {
      if (keys.has(key)) continue;
      node.remove();
      this.#drawn.delete(key);
    }
    let before: Element | null = null;
    lines.forEach((line, at) => {
      const drawn = this.#of(line);
      const place = placeOf(lines[at - 1], line, lines[at + 1]);
      if (drawn.line !== line || drawn.place !== place) {
        drawn.line = line;
        drawn.place = place;
        this.#fill(drawn.node, line, place, now);
      }
      const next: Element | null = before ? before.nextElementSibling : this.node.firstElementChild;
      if (next !== drawn.node) this.node.insertBefore(drawn.node, next);
      before = drawn.node;
    });
  }

  #of(line: Line): Drawn {
    const known = this.#drawn.get(line.key);
    if (known) return known;
    const drawn: Drawn = {
      node: element("div", { class: `line ${line.author}` }),
      line: undefined,
      place: "",
    };
    this.#drawn.set(line.key, drawn);
    return drawn;
  }

  #fill(node: HTMLElement, line: Line, place: string, now: number): void {
    node.className = `line ${line.author} ${place}`;
    if (line.state) node.dataset["state"] = line.state;
    let [who, text, meta] = [...node.children] as HTMLElement[];
    if (!who || !text || !meta) {
      who = element("div");
      // The bubble lies as the page does, the words in it run as they are written.
      text = element("div", { class: "text" }, element("span", { class: "words", dir: "auto" }));
      meta = element("div", { class: "meta", "aria-live": "off" });
      node.append(who, text, meta);
    }
    setText(who, this.#whoOf(line));
    who.className = line.author === "staff" && place.startsWith("first") ? "who" : "hint";
    if (text.textContent !== line.text)
      text.firstElementChild?.replaceChildren(...withLinks(line.text).map(drawPiece));
    if (line.author !== "bridge") meta.replaceChildren(...this.#meta(line, now));
  }

  /** Always said; shown where a person of the staff begins to speak. */
  #whoOf(line: Line): string {
    if (line.author === "visitor") return this.#words.you;
    return line.name ?? (line.author === "staff" ? this.#words.staff : this.#words.notice);
  }

  #meta(line: Line, now: number): Node[] {
    const said = new Date(line.at);
    const today = new Date(now).toDateString() === said.toDateString();
    const style = today ? {} : ({ dateStyle: "medium" } as const);
    const time = element(
      "time",
      { datetime: said.toISOString() },
      said.toLocaleString(undefined, { ...style, timeStyle: "short" }),
    );
    if (!line.state) return [time];
    const words = this.#words.state[line.state];
    const state = element("span", { class: "state" }, icon(MARKS[line.state]));
    state.append(line.reason ? `${words}: ${line.reason}` : words);
    if (line.state !== "failed" || line.id === undefined) return [time, state];
    const { id } = line;
    const again = element("button", { type: "button", class: "plain" }, this.#words.tryAgain);
    again.addEventListener("click", () => this.#retry(id));
    return [state, again];
  }
}

function drawPiece({ text, href }: { text: string; href?: string }): Node {
  if (href === undefined) return document.createTextNode(text);
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}

/** Where a line stands in a run of one person's lines. */
function placeOf(before: Line | undefined, line: Line, after: Line | undefined): string {
  const first = !before || !together(before, line);
  const last = !after || !together(line, after);
  return `${first ? "first" : ""} ${last ? "last" : ""}`.trim();
}

function together(a: Line, b: Line): boolean {
  return a.author === b.author && a.name === b.name && Math.abs(b.at - a.at) < TOGETHER;
}
