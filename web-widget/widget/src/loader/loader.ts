/**
 * `widget.js`, the one script that a site embeds: draws the launcher, takes the page's calls, and fetches the panel
 * when somebody reaches for it. It stores nothing and opens nothing; whether this browser remembers a conversation
 * is all that it looks up.
 */

import css from "./launcher.css";
import type { Api, EventName, Listener, Panel, Visitor } from "./seam.ts";

/** The panel module's address, relative to this script's; the build puts in the hashed name. */
declare const PANEL: string;

const TAG = "bridgebot-chat";
const LABEL = "Chat with us";
const UNAVAILABLE = "The chat can't be loaded right now. Please try again.";
const SPEECH = "M4 5h16v11H10l-4.5 4v-4H4zM8 9.2h8M8 12.2h5";
const CHEVRON = "M6 9.5l6 6 6-6";

const script =
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>('script[src*="widget.js"]');
const base = new URL(script?.src ?? location.href, location.href);
const listeners = new Map<EventName, Set<Listener>>();

function emit(event: EventName, detail?: unknown): void {
  for (const listener of listeners.get(event) ?? []) {
    try {
      listener(detail);
    } catch (error) {
      // A page's mistake is shown to the page, and stops nobody else.
      reportError(error);
    }
  }
}

class Launcher extends HTMLElement {
  readonly #root = this.attachShadow({ mode: "open" });
  readonly #box = document.createElement("div");
  readonly #button = document.createElement("button");
  readonly #badge = document.createElement("span");
  readonly #hint = document.createElement("span");
  #loading: Promise<Panel> | undefined;
  #attempts = 0;

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    this.#root.adoptedStyleSheets = [sheet];
    const label = document.createElement("span");
    label.textContent = LABEL;
    label.className = "label";
    this.#hint.id = "hint";
    this.#hint.className = "hint";
    this.#hint.setAttribute("role", "status");
    this.#badge.className = "badge";
    this.#badge.hidden = true;
    this.#badge.setAttribute("aria-hidden", "true");
    const button = this.#button;
    button.type = "button";
    button.className = "launcher";
    const aria = { label: LABEL, expanded: "false", haspopup: "dialog", describedby: "hint" };
    for (const [name, value] of Object.entries(aria)) button.setAttribute(`aria-${name}`, value);
    button.append(icon(SPEECH, "speech"), icon(CHEVRON, "chevron"), label, this.#badge);
    this.#box.className = "box";
    this.#box.append(button, this.#hint);
    this.#root.append(this.#box);
    for (const reach of ["pointerenter", "focus", "touchstart"]) {
      button.addEventListener(reach, () => void this.panel().catch(() => {}), { once: true, passive: true });
    }
    button.addEventListener("click", () => void this.use((panel) => panel.toggle()));
  }

  /** The panel, fetched at the first call. */
  panel(): Promise<Panel> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async use(call: (panel: Panel) => void): Promise<void> {
    this.#button.setAttribute("aria-busy", "true");
    const panel = await this.panel().catch((error: unknown) => console.error(error));
    this.#button.removeAttribute("aria-busy");
    this.#hint.classList.toggle("trouble", !panel);
    this.#hint.textContent = panel ? "" : UNAVAILABLE;
    if (panel) call(panel);
  }

  async #load(): Promise<Panel> {
    // A browser may remember that a module could not be fetched; another address is another try.
    const address = new URL(PANEL + (this.#attempts++ ? `?${this.#attempts}` : ""), base);
    const { mount } = (await import(address.href)) as { mount: (seam: unknown) => Panel };
    return mount({
      base,
      root: this.#root,
      box: this.#box,
      launcher: this.#button,
      emit,
      unread: (count: number, words: string) => {
        this.#badge.textContent = count > 99 ? "99+" : `${count}`;
        this.#badge.hidden = count === 0;
        this.#hint.textContent = words;
      },
    });
  }
}

function icon(path: string, className: string): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", className);
  const shape = document.createElementNS(namespace, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

function start(): void {
  const found = document.querySelector<Launcher>(TAG);
  const chat = found ?? (document.createElement(TAG) as Launcher);
  if (!found) document.body.append(chat);
  const call = (use: (panel: Panel) => void): void => {
    // A page that replaces its body takes the element with it.
    if (!chat.isConnected) document.body.append(chat);
    void chat.use(use);
  };
  const api: Api = {
    open: () => call((panel) => panel.open()),
    close: () => call((panel) => panel.close()),
    send: (text) => call((panel) => panel.send(text)),
    // Known only to this page until the visitor uses the chat.
    identify: (visitor) => {
      Object.assign(who, visitor);
      if (touched) call((panel) => panel.identify(who));
    },
    on: (event, listener) => {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener));
      return () => void all.delete(listener);
    },
    push: ([name, ...args]) => (api[name] as (...args: unknown[]) => unknown)?.(...args),
  };
  const who: Visitor = {};
  let touched = false;
  api.on("open", () => {
    touched = true;
    call((panel) => panel.identify(who));
  });
  const early: unknown = window.BridgeBot;
  window.BridgeBot = api;
  if (Array.isArray(early)) for (const queued of early) api.push(queued);
  emit("ready");
  try {
    // Somebody who was here before may have an answer waiting.
    if (localStorage.getItem(`bridgebot:${base.host}`))
      void chat.panel().then(
        (panel) => panel.resume(),
        () => {},
      );
  } catch {
    // The page may not read its storage: nothing is remembered then.
  }
}

if (!customElements.get(TAG)) {
  customElements.define(TAG, Launcher);
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
}
