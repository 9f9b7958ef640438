/** Draws the desk. */

import { element, setText } from "../panel/dom.ts";
import { withLinks } from "../panel/links.ts";
import { type Buddy, compared, type DeskView, type Im } from "./desk.ts";

export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

export class DeskPage {
  readonly #open: (name: string) => void;
  readonly #me = byId("me", HTMLElement);
  readonly #signal = byId("signal", HTMLElement);
  readonly #buddies = byId("buddies", HTMLElement);
  readonly #title = byId("talk-title", HTMLElement);
  readonly #log = byId("log", HTMLElement);
  readonly #typing = byId("typing", HTMLElement);
  readonly #away = byId("away", HTMLButtonElement);
  readonly #signOn = byId("sign-on", HTMLButtonElement);
  readonly #time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  #buddiesDrawn = "";
  #talkDrawn = "";
  #lines = new Map<number, { im: Im; node: HTMLElement }>();

  constructor(open: (name: string) => void) {
    this.#open = open;
  }

  draw(view: DeskView): void {
    const { current, signal } = view;
    setText(this.#me, view.screenName || "Signing on…");
    setText(this.#signal, signalWords(view));
    document.body.dataset["signal"] = view.away && signal.state === "online" ? "away" : signal.state;
    // Off for good (signed on elsewhere, a refused password): only a person can want it back.
    this.#signOn.hidden = signal.state !== "offline" || signal.retries;
    this.#away.hidden = !this.#signOn.hidden;
    this.#away.setAttribute("aria-pressed", `${view.away}`);
    setText(this.#title, `${current.name} - Instant Message`);
    const heard = current.lines.findLast((im) => !im.mine);
    this.#typing.toggleAttribute("data-typing", current.typing);
    if (current.typing) setText(this.#typing, `${current.name} is typing…`);
    else
      setText(this.#typing, heard ? `Last heard from ${heard.from} at ${this.#time.format(heard.at)}` : "");
    const unread = [...view.unread.values()].reduce((sum, count) => sum + count, 0);
    document.title = unread > 0 ? `(${unread}) AIM` : "AIM";
    this.#drawBuddies(view);
    this.#drawLines(view);
  }

  #drawBuddies(view: DeskView): void {
    // Drawn anew only when something in it changed, so that the focus stays where it is.
    const drawn = JSON.stringify([view.buddies, view.current.name, [...view.unread]]);
    if (drawn === this.#buddiesDrawn) return;
    this.#buddiesDrawn = drawn;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["buddy"];
    const groups = new Map<string, Buddy[]>();
    for (const buddy of view.buddies) {
      const group = buddy.online || buddy.group === "Others" ? buddy.group : "Offline";
      groups.set(group, [...(groups.get(group) ?? []), buddy]);
    }
    const last = groups.get("Offline");
    if (last) {
      groups.delete("Offline");
      groups.set("Offline", last);
    }
    this.#buddies.replaceChildren(
      ...[...groups].map(([group, members]) =>
        element(
          "div",
          { class: "group" },
          element("p", { class: "group-name" }, `${group} (${members.length})`),
          ...members.map((buddy) => this.#drawBuddy(buddy, view)),
        ),
      ),
    );
    if (focused !== undefined) {
      this.#buddies.querySelector<HTMLElement>(`[data-buddy="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  #drawBuddy(buddy: Buddy, view: DeskView): HTMLElement {
    const key = compared(buddy.name);
    const unread = view.unread.get(key) ?? 0;
    const presence = !buddy.online
      ? "offline"
      : buddy.away
        ? "away"
        : buddy.idleMinutes > 0
          ? "idle"
          : "online";
    const note =
      presence === "idle" ? ` (idle ${buddy.idleMinutes} min)` : presence === "away" ? " (away)" : "";
    const button = element(
      "button",
      { type: "button", class: "buddy", "data-buddy": key, "data-presence": presence },
      element("span", { class: "dot", "aria-hidden": "true" }),
      element("span", {}, `${buddy.name}${note}`),
    );
    if (compared(view.current.name) === key) button.setAttribute("aria-current", "true");
    if (unread > 0) button.append(element("span", { class: "unread" }, `${unread} new`));
    button.addEventListener("click", () => this.#open(buddy.name));
    return button;
  }

  #drawLines({ current }: DeskView): void {
    const key = compared(current.name);
    if (this.#talkDrawn !== key) {
      this.#talkDrawn = key;
      this.#lines.clear();
      this.#log.replaceChildren();
    }
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    const atEnd = scrollHeight - scrollTop - clientHeight < 40;
    const kept = new Set(current.lines.map((im) => im.key));
    for (const [at, { node }] of this.#lines) {
      if (kept.has(at)) continue;
      node.remove();
      this.#lines.delete(at);
    }
    let grew = false;
    for (const im of current.lines) {
      const drawn = this.#lines.get(im.key);
      if (!drawn) {
        const node = this.#line(im);
        this.#lines.set(im.key, { im, node });
        this.#log.append(node);
        grew = true;
      } else if (drawn.im !== im) {
        drawn.im = im;
        mark(drawn.node, im);
      }
    }
    if (atEnd || (grew && current.lines.at(-1)?.mine)) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #line(im: Im): HTMLElement {
    const time = element(
      "time",
      { datetime: new Date(im.at).toISOString() },
      ` (${this.#time.format(im.at)})`,
    );
    const who = element(
      "span",
      { class: "who" },
      im.auto ? `Auto response from ${im.from}` : im.from,
      time,
      ": ",
    );
    const said = element("span", { class: "said", dir: "auto" });
    for (const { text, href } of withLinks(im.text)) {
      said.append(href ? element("a", { href, target: "_blank", rel: "noopener noreferrer" }, text) : text);
    }
    const state = element("span", { class: "state", "aria-live": "off" });
    const node = element("p", { class: im.mine ? "im mine" : "im" }, who, said, state);
    mark(node, im);
    return node;
  }
}

function mark(node: HTMLElement, im: Im): void {
  if (!im.state) return;
  node.dataset["state"] = im.state;
  const words = { sending: "sending…", sent: "✓", failed: `not sent${im.reason ? `: ${im.reason}` : ""}` }[
    im.state
  ];
  const state = node.lastElementChild as HTMLElement;
  setText(state, ` ${words}`);
  state.title = im.state === "sent" ? "taken by the AIM server" : "";
}

function signalWords({ signal, away }: DeskView): string {
  if (signal.state === "online") return away ? "Away" : "Available";
  if (signal.state === "connecting") return "Signing on…";
  return `Offline: ${signal.reason}.${signal.retries ? " Trying again…" : ""}`;
}
