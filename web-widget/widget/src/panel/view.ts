/** The dialog: draws a view and tells what the visitor does. It knows neither IRC nor storage. */

import type { Words } from "../i18n/en.ts";
import type { View as State } from "../session/view.ts";
import { element, icon, setText, styleSheet } from "./dom.ts";
import { Log } from "./log.ts";
import css from "./panel.css";

const CROSS = "M6.5 6.5l11 11M17.5 6.5l-11 11";
const PLANE = "M12 19V5.5M5.5 11.5L12 5l6.5 6.5";
const DOWN = "M12 5v13M6 12.5l6 6 6-6";
const WAVE = "M4 5h16v11H10l-4.5 4v-4H4zM8 9.2h8M8 12.2h5";

/** Where the panel covers the whole screen; the same words stand in panel.css. */
const FULL_SCREEN = "(max-width: 520px), (max-height: 460px)";

export interface Actions {
  close(): void;
  send(text: string): void;
  typed(empty: boolean): void;
  rename(name: string): void;
  retry(id: string): void;
  earlier(): void;
  continueHere(): void;
}

export class PanelView {
  readonly node: HTMLElement;
  readonly #words: Words;
  readonly #actions: Actions;
  readonly #log: Log;
  readonly #scroller: HTMLElement;
  readonly #status: HTMLElement;
  readonly #statusText: HTMLElement;
  readonly #resume: HTMLButtonElement;
  readonly #welcome: HTMLElement;
  readonly #earlier: HTMLButtonElement;
  readonly #typing: HTMLElement;
  readonly #newest: HTMLButtonElement;
  readonly #name: HTMLInputElement;
  readonly #field: HTMLTextAreaElement;
  readonly #sendButton: HTMLButtonElement;
  readonly #fullScreen = matchMedia(FULL_SCREEN);
  #atEnd = true;

  constructor(root: ShadowRoot, words: Words, actions: Actions) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet(css)];
    this.#words = words;
    this.#actions = actions;
    this.#log = new Log(words, actions.retry);

    const close = button("round", words.close, icon(CROSS));
    close.addEventListener("click", () => actions.close());
    this.#statusText = element("span");
    this.#status = element(
      "p",
      { class: "status", role: "status" },
      element("i", { class: "dot" }),
      this.#statusText,
    );
    const head = element(
      "header",
      {},
      element("span", { class: "mark" }, icon(WAVE)),
      element(
        "div",
        { class: "titles" },
        element("p", { class: "title", "aria-hidden": "true" }, words.title),
        this.#status,
      ),
      close,
    );

    this.#welcome = element(
      "div",
      { class: "welcome" },
      element("p", { class: "hello" }, words.welcome),
      element("p", {}, words.welcomeText),
      element("p", { class: "small" }, words.kept),
    );
    this.#earlier = element("button", { type: "button", class: "plain" }, words.earlier);
    this.#earlier.addEventListener("click", () => actions.earlier());
    this.#typing = element(
      "div",
      { class: "typing", "aria-hidden": "true" },
      element("i"),
      element("i"),
      element("i"),
    );
    this.#scroller = element(
      "div",
      { class: "scroller", tabindex: "0" },
      this.#earlier,
      this.#welcome,
      this.#log.node,
      this.#typing,
    );
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newest = button("round newest", words.newest, icon(DOWN));
    this.#newest.addEventListener("click", () => this.#toEnd());

    this.#resume = element("button", { type: "button", class: "resume" }, words.continueHere);
    this.#resume.addEventListener("click", () => actions.continueHere());

    this.#name = element("input", {
      type: "text",
      "aria-label": words.name,
      placeholder: words.namePlaceholder,
      autocomplete: "given-name",
      maxlength: "40",
      dir: "auto",
    });
    this.#name.addEventListener("change", () => actions.rename(this.#name.value.trim()));
    this.#field = element("textarea", {
      rows: "1",
      "aria-label": words.message,
      placeholder: words.placeholder,
      dir: "auto",
      enterkeyhint: "send",
      autocomplete: "off",
    });
    this.#sendButton = button("send", words.send, icon(PLANE));
    this.#sendButton.type = "submit";
    const form = element(
      "form",
      {},
      this.#name,
      element("div", { class: "composer" }, this.#field, this.#sendButton),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => {
      this.#fit();
      actions.typed(this.#field.value.trim() === "");
    });
    this.#field.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });

    const body = element("div", { class: "body" }, this.#scroller, this.#newest);
    this.node = element(
      "div",
      { class: "panel", role: "dialog", "aria-label": words.title },
      head,
      body,
      this.#resume,
      form,
    );
    this.node.hidden = true;
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.#fullScreen.addEventListener("change", () => this.#modality());
    this.#modality();
    this.#fit();
  }

  get isOpen(): boolean {
    return !this.node.hidden;
  }

  show(): void {
    this.node.hidden = false;
    this.#toEnd();
    this.#field.focus({ preventScroll: true });
  }

  hide(): void {
    this.node.hidden = true;
  }

  /** Whether the focus is in here and must go back to the launcher. */
  get hasFocus(): boolean {
    return this.node.contains((this.node.getRootNode() as ShadowRoot).activeElement);
  }

  setName(name: string): void {
    this.#name.value = name;
  }

  draw(state: State, now: number): void {
    const spoken = state.lines.some((line) => line.author === "visitor");
    this.#log.node.setAttribute("aria-busy", `${state.loading}`);
    this.#log.draw(state.lines, now);
    this.#welcome.hidden = state.hasEarlier || state.loading || spoken;
    this.#name.hidden = spoken;
    if ((this.node.getRootNode() as ShadowRoot).activeElement !== this.#name) this.#name.value = state.name;
    this.#earlier.hidden = !state.hasEarlier;
    this.#typing.hidden = !state.typing;
    const { connection } = state;
    this.#resume.hidden = connection !== "elsewhere";
    this.#status.dataset["tone"] = connection.endsWith("ing")
      ? "busy"
      : connection === "online" && state.botHere
        ? "good"
        : "bad";
    setText(this.#statusText, this.#statusOf(state));
    if (this.#atEnd) this.#toEnd();
  }

  #statusOf({ connection, reason, typing, botHere, lines }: State): string {
    const words = this.#words;
    if (connection !== "online") return reason ?? words.connection[connection];
    if (typing) return words.typing;
    if (!botHere) return words.botAway;
    return lines.at(-1)?.state === "failed" ? words.failed : words.connection.online;
  }

  #submit(): void {
    const text = this.#field.value;
    if (text.trim() === "") return;
    this.#actions.rename(this.#name.value.trim());
    this.#field.value = "";
    this.#fit();
    this.#atEnd = true;
    this.#actions.send(text);
    this.#field.focus({ preventScroll: true });
  }

  /** The field is as high as its text, the button looks as if it did what it does. */
  #fit(): void {
    this.#sendButton.toggleAttribute("data-empty", this.#field.value.trim() === "");
    if (CSS.supports("field-sizing", "content")) return;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  #key(event: KeyboardEvent): void {
    // The page's own shortcuts are not meant.
    event.stopPropagation();
    if (event.key === "Escape" && !event.isComposing) this.#actions.close();
    else if (event.key === "Tab" && this.#fullScreen.matches) this.#keepFocus(event);
  }

  /** Covering all of the page it is modal: the focus goes round inside. */
  #keepFocus(event: KeyboardEvent): void {
    const stops = [...this.node.querySelectorAll<HTMLElement>("button, a, input, textarea")].filter(
      (stop) => stop.offsetParent,
    );
    const active = (this.node.getRootNode() as ShadowRoot).activeElement;
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (active !== from) return;
    event.preventDefault();
    to?.focus();
  }

  #modality(): void {
    this.node.setAttribute("aria-modal", `${this.#fullScreen.matches}`);
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < 40;
    this.#newest.hidden = this.#atEnd;
  }

  #toEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    this.#newest.hidden = true;
  }
}

function button(className: string, name: string, content: Node): HTMLButtonElement {
  return element("button", { type: "button", class: className, "aria-label": name, title: name }, content);
}
