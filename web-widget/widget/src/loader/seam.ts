/** What loader, panel and page have to do with each other. Types only. */

export type EventName = "ready" | "open" | "close" | "message" | "state" | "unread";

export type Listener = (detail?: unknown) => void;

/** What a page says about its visitor. Only the name is used today; see the README. */
export interface Visitor {
  name?: string;
  [more: string]: unknown;
}

/** `window.BridgeBot`. */
export interface Api {
  open(): void;
  close(): void;
  identify(visitor: Visitor): void;
  send(text: string): void;
  /** Returns what takes the listener off again. */
  on(event: EventName, listener: Listener): () => void;
  /** A call as a list, as pages write it before the script is there: `["open"]`. */
  push(call: readonly [keyof Api, ...unknown[]]): void;
}

/** What the loader gives the panel. */
export interface Seam {
  readonly base: URL;
  readonly root: ShadowRoot;
  readonly box: HTMLElement;
  readonly launcher: HTMLButtonElement;
  readonly emit: (event: EventName, detail?: unknown) => void;
  readonly unread: (count: number, words: string) => void;
}

/** What the panel gives the loader. */
export interface Panel {
  open(): void;
  close(): void;
  toggle(): void;
  identify(visitor: Visitor): void;
  send(text: string): void;
  /** The page was loaded, nobody touched anything: connect only where an answer is awaited. */
  resume(): void;
}

declare global {
  interface Window {
    BridgeBot?: Api;
  }
}
