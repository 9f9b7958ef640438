/** The AIM window: joins the desk's machine to its socket, its page and the clock. */

import { Backoff } from "../session/backoff.ts";
import { Desk } from "./desk.ts";
import { byId, DeskPage } from "./draw.ts";

const desk = new Desk(document.body.dataset["open"] ?? "bridgebot");
const page = new DeskPage((name) => {
  run(() => desk.open(name));
  field.focus();
});
const field = byId("text", HTMLTextAreaElement);
const backoff = new Backoff();
let socket: WebSocket | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function run(call: (now: number) => void): void {
  const now = Date.now();
  call(now);
  for (const message of desk.poll()) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }
  page.draw(desk.view);
  clearTimeout(timer);
  const wakeAt = desk.wakeAt;
  if (wakeAt !== undefined) timer = setTimeout(() => run((at) => desk.tick(at)), Math.max(0, wakeAt - now));
}

function connect(): void {
  const url = new URL("/staff/socket", location.href);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  const mine = new WebSocket(url);
  socket = mine;
  run(() => desk.connecting());
  mine.onmessage = ({ data }: MessageEvent<unknown>) => {
    backoff.reset();
    if (typeof data === "string") run((now) => desk.receive(data, now));
  };
  mine.onclose = () => {
    const wait = backoff.next(Math.random);
    run(() => desk.lost());
    setTimeout(connect, wait);
  };
}

function submit(): void {
  const said = field.value;
  field.value = "";
  run((now) => desk.send(said, now));
}

byId("form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
  field.focus();
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
field.addEventListener("input", () => run((now) => desk.typed(field.value.trim() === "", now)));
byId("away", HTMLButtonElement).addEventListener("click", () => run(() => desk.toggleAway()));
byId("sign-on", HTMLButtonElement).addEventListener("click", () => {
  if (socket) socket.onclose = null;
  socket?.close();
  connect();
  field.focus();
});

connect();
