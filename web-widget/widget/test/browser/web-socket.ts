/** The server's half of RFC 6455, as much of it as tests need: text messages, close, no extensions. */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class ServerSocket {
  onMessage: (text: string) => void = () => {};
  onClose: () => void = () => {};
  readonly #stream: Duplex;
  #buffer = Buffer.alloc(0);
  #open = true;

  constructor(request: IncomingMessage, stream: Duplex, protocol?: string) {
    this.#stream = stream;
    const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    lines.push(`Sec-WebSocket-Accept: ${key}`);
    if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    stream.write(`${lines.join("\r\n")}\r\n\r\n`);
    stream.on("data", (data: Buffer) => this.#read(data));
    stream.on("error", () => {});
    stream.on("close", () => this.#ended());
  }

  send(text: string): void {
    if (this.#open) this.#stream.write(frame(TEXT, Buffer.from(text)));
  }

  close(code: number, reason = ""): void {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    this.#stream.write(frame(CLOSE, body));
    this.#stream.end();
    this.#ended();
  }

  /** The connection just ends, as when a cable is pulled. */
  cut(): void {
    this.#stream.destroy();
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose();
  }

  #read(data: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      if (this.#buffer.length < 6) return;
      let length = (this.#buffer[1] ?? 0) & 127;
      let at = 2;
      if (length === 126) {
        length = this.#buffer.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        throw new Error("a test has no message that long");
      }
      if (this.#buffer.length < at + 4 + length) return;
      const mask = this.#buffer.subarray(at, at + 4);
      const body = Buffer.from(this.#buffer.subarray(at + 4, at + 4 + length));
      for (let i = 0; i < length; i++) body[i] = (body[i] ?? 0) ^ (mask[i % 4] ?? 0);
      const code = (this.#buffer[0] ?? 0) & 15;
      this.#buffer = this.#buffer.subarray(at + 4 + length);
      if (code === TEXT) this.onMessage(body.toString());
      else if (code === PING) this.#stream.write(frame(PONG, body));
      else if (code === CLOSE) {
        this.#stream.end(frame(CLOSE, body));
        this.#ended();
      }
    }
  }
}

function frame(code: number, body: Buffer): Buffer {
  const head =
    body.length < 126
      ? Buffer.from([128 | code, body.length])
      : Buffer.from([128 | code, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}
