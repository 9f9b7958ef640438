import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk } from "../../src/staff/desk.ts";

const online = (): Desk => {
  const desk = new Desk("bridgebot");
  desk.receive('{"type":"state","state":"online","screen_name":"staff1"}', 0);
  return desk;
};
const get = (desk: Desk, message: Record<string, unknown>, now = 0): void =>
  desk.receive(JSON.stringify(message), now);

test("begins with one conversation; what is written before it is signed on waits for that", () => {
  const desk = new Desk("bridgebot");
  assert.equal(desk.view.current.name, "bridgebot");
  desk.send("early", 0);
  assert.deepEqual(desk.poll(), []);
  desk.lost();
  assert.equal(desk.view.current.lines[0]?.state, "sending");
  get(desk, { type: "state", state: "online", screen_name: "staff1" });
  assert.deepEqual(desk.poll(), [{ type: "im", id: 1, to: "bridgebot", text: "early" }]);
});

test("what waited too long has failed, and does not go later", () => {
  const desk = new Desk("bridgebot");
  desk.send("early", 0);
  desk.tick(30_000);
  assert.equal(desk.view.current.lines[0]?.state, "failed");
  get(desk, { type: "state", state: "online" });
  assert.deepEqual(desk.poll(), []);
});

test("a message is sending, then sent or failed", () => {
  const desk = online();
  desk.send("one", 1);
  desk.send("two\nlines", 1);
  assert.deepEqual(desk.poll(), [
    { type: "im", id: 1, to: "bridgebot", text: "one" },
    { type: "im", id: 2, to: "bridgebot", text: "two\nlines" },
  ]);
  get(desk, { type: "sent", id: 1, at: 5 });
  get(desk, { type: "failed", id: 2, reason: "not signed on" });
  assert.deepEqual(
    desk.view.current.lines.map(({ state, reason }) => [state, reason]),
    [
      ["sent", undefined],
      ["failed", "not signed on"],
    ],
  );
});

test("what nobody confirmed is not called sent", () => {
  const desk = online();
  desk.send("one", 0);
  assert.equal(desk.wakeAt, 30_000);
  desk.tick(30_000);
  assert.equal(desk.view.current.lines[0]?.state, "failed");
  desk.send("two", 40_000);
  desk.lost();
  assert.equal(desk.view.current.lines[1]?.state, "failed");
  assert.equal(desk.view.signal.state, "offline");
});

test("messages from others wait, counted, under their names as compared", () => {
  const desk = online();
  get(desk, { type: "im", from: "Old Friend", text: "hi", at: 3 });
  get(desk, { type: "im", from: "oldfriend", text: "there?", at: 4 });
  get(desk, { type: "im", from: "BridgeBot", text: "anna: hello", at: 5 });
  assert.equal(desk.view.unread.get("oldfriend"), 2);
  assert.equal(desk.view.current.lines.length, 1);
  assert.deepEqual(
    desk.view.buddies.map(({ name, group }) => [name, group]),
    [
      ["bridgebot", "Others"],
      ["Old Friend", "Others"],
    ],
  );
  desk.open("OLD FRIEND");
  assert.equal(desk.view.unread.get("oldfriend"), 0);
  assert.equal(desk.view.current.lines.length, 2);
});

test("the buddy list follows presence, and everybody is gone when the session is", () => {
  const desk = online();
  get(desk, {
    type: "buddies",
    buddies: [
      { name: "bridgebot", group: "Bots", online: false, away: false, idle_minutes: 0 },
      null,
      { name: 7 },
    ],
  });
  get(desk, { type: "presence", name: "Bridge Bot", online: true, away: true, idle_minutes: 4 });
  assert.deepEqual(desk.view.buddies, [
    { name: "bridgebot", group: "Bots", online: true, away: true, idleMinutes: 4 },
  ]);
  get(desk, { type: "state", state: "offline", reason: "signed on elsewhere", retry_in: 5 });
  assert.deepEqual(desk.view.signal, { state: "offline", reason: "signed on elsewhere", retries: true });
  assert.equal(desk.view.buddies[0]?.online, false);
});

test("typing goes both ways", () => {
  const desk = online();
  desk.typed(false, 0);
  desk.typed(false, 1_000);
  desk.tick(6_000);
  desk.typed(false, 7_000);
  desk.typed(true, 8_000);
  assert.deepEqual(
    desk.poll().map((sent) => sent["state"]),
    ["typing", "paused", "typing", "none"],
  );
  get(desk, { type: "typing", from: "bridgebot", state: "typing" }, 0);
  assert.equal(desk.view.current.typing, true);
  get(desk, { type: "im", from: "bridgebot", text: "x" });
  assert.equal(desk.view.current.typing, false);
});

test("away is told, and told again to a new session", () => {
  const desk = online();
  desk.toggleAway();
  assert.equal(typeof desk.poll()[0]?.["text"], "string");
  get(desk, { type: "state", state: "online" });
  assert.equal(desk.poll().length, 1);
  desk.toggleAway();
  assert.deepEqual(desk.poll(), [{ type: "away", text: null }]);
});

test("what it doesn't know it ignores", () => {
  const desk = online();
  for (const frame of [
    "",
    "x",
    "null",
    "[]",
    "7",
    '{"type":"new"}',
    '{"type":"im"}',
    '{"type":"buddies"}',
    '{"type":"sent","id":"x"}',
    '{"type":"presence"}',
  ]) {
    desk.receive(frame, 0);
  }
  assert.equal(desk.view.current.lines.length, 0);
});
