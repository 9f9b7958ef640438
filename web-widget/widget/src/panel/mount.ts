/** The panel module's entrance: joins client and view, and answers the loader. */

import { en } from "../i18n/en.ts";
import type { Panel, Seam } from "../loader/seam.ts";
import type { Line } from "../session/conversation.ts";
import type { View as State } from "../session/view.ts";
import { Client } from "./client.ts";
import { RecordStore } from "./record.ts";
import { PanelView } from "./view.ts";

export function mount(seam: Seam): Panel {
  const words = en;
  const url = new URL("irc", seam.base);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  const client = new Client(url.href, new RecordStore(storage(), `bridgebot:${seam.base.host}`), {
    changed: draw,
    message: (line, fresh) => fresh && seam.emit("message", told(line)),
    state: (line) => seam.emit("state", told(line)),
  });
  const view = new PanelView(seam.root, words, {
    close,
    send: (text) => client.send(text),
    typed: (empty) => client.typed(empty),
    rename: (name) => client.rename(name),
    retry: (id) => client.retry(id),
    earlier: () => client.earlier(),
    continueHere: () => client.connect(),
  });
  seam.box.prepend(view.node);
  let unread = 0;

  function draw(state: State): void {
    if (view.isOpen) view.draw(state, Date.now());
    if (state.unread === unread) return;
    unread = state.unread;
    seam.unread(unread, unread === 0 ? "" : words.unread(unread));
    seam.emit("unread", unread);
  }

  function attend(): void {
    client.attend(view.isOpen && document.visibilityState === "visible");
  }
  document.addEventListener("visibilitychange", attend);

  function open(): void {
    if (view.isOpen) return;
    seam.launcher.setAttribute("aria-expanded", "true");
    client.connect();
    view.draw(client.view, Date.now());
    view.show();
    attend();
    seam.emit("open");
  }

  function close(): void {
    if (!view.isOpen) return;
    const focused = view.hasFocus;
    view.hide();
    seam.launcher.setAttribute("aria-expanded", "false");
    if (focused) seam.launcher.focus({ preventScroll: true });
    attend();
    seam.emit("close");
  }

  return {
    open,
    close,
    toggle: () => (view.isOpen ? close() : open()),
    identify: ({ name }) => {
      if (typeof name === "string" && name !== "") client.rename(name.slice(0, 40));
    },
    send: (text) => {
      client.connect();
      client.send(String(text));
    },
    resume: () => client.connectIfAwaited(),
  };
}

/** Reading the property alone throws where a page's storage is forbidden. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** What the page gets to know of a line. */
function told({ author, text, at, name, state }: Line): object {
  return { author, text, at, name, state };
}
