/** The visitor's socket: strings in, strings out, and why it ended. */

export interface TransportEvents {
  opened(): void;
  frame(line: string): void;
  closed(code: number, reason: string): void;
}

const SUB_PROTOCOL = "text.ircv3.net";

export class Transport {
  readonly #url: () => string;
  readonly #events: TransportEvents;
  #socket: WebSocket | undefined;

  constructor(url: () => string, events: TransportEvents) {
    this.#url = url;
    this.#events = events;
  }

  connect(): void {
    this.disconnect();
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#url(), SUB_PROTOCOL);
    } catch {
      // The page's Content-Security-Policy can forbid it at once.
      queueMicrotask(() => this.#events.closed(0, ""));
      return;
    }
    this.#socket = socket;
    const mine = (): boolean => this.#socket === socket;
    socket.onopen = () => mine() && this.#events.opened();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (mine() && typeof data === "string") this.#events.frame(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (!mine()) return;
      this.#socket = undefined;
      this.#events.closed(code, reason);
    };
  }

  send(line: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(line);
  }

  /** Ends it without a word to the events. */
  disconnect(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}
