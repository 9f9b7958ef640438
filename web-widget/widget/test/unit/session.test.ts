import assert from "node:assert/strict";
import { test } from "node:test";
import { seconds, TOKEN, Transcript } from "./transcript.ts";

const STORED = "@+bridgebot/id=id1;+bridgebot/state=stored :bridgebot!b@h TAGMSG guest-8000";

test("nothing is sent before a connection is wanted", () => {
  const t = new Transcript().is("idle").silent();
  assert.equal(t.session.wakeAt, undefined);
});

test("registers with its session, the capabilities it knows, and asks for what was said before", () => {
  new Transcript()
    .does((session, now) => session.connect(now))
    .effect({ kind: "connect" })
    .is("connecting")
    .opens()
    .sends(`SESSION ${TOKEN}`, "CAP LS 302", "NICK guest-8000", "USER visitor 0 * visitor")
    .gets(":gw NOTE SESSION READY bridgebot 380 :speak to bridgebot")
    .gets(":gw CAP * LS * :sasl=PLAIN message-tags echo-message")
    .silent()
    .gets(":gw CAP * LS :server-time batch")
    .sends("CAP REQ :batch message-tags server-time")
    .gets(":gw CAP guest-8000 ACK :batch message-tags server-time")
    .sends("CAP END")
    .gets(":gw 001 guest-8000 :Welcome")
    .is("online")
    .sends("MONITOR + bridgebot", "CHATHISTORY LATEST bridgebot * 100");
});

test("a daemon that knows no capability at all is spoken to all the same", () => {
  const t = new Transcript()
    .does((session, now) => session.connect(now))
    .opens()
    .forget();
  t.gets(":irc 001 guest-8000 :Welcome").forget().says("hello").silent();
  t.gets(":irc 421 guest-8000 CHATHISTORY :Unknown command").sends(
    "@+bridgebot/id=id1 PRIVMSG bridgebot hello",
  );
});

test("a taken guest's nick is rolled again, a name gets something behind it", () => {
  let n = 0;
  const rolls = [0.1, 0.2];
  const random = (): number => rolls[n++] ?? 0.3;
  new Transcript({ random })
    .does((session, now) => session.connect(now))
    .opens()
    .forget()
    .gets(":gw 433 * guest-8000 :in use")
    .sends("NICK guest-1999")
    .gets(":gw 433 * guest-1999 :in use")
    .sends("NICK guest-3333");
  new Transcript({ name: "Zoë Müller" })
    .does((session, now) => session.connect(now))
    .opens()
    .sends(`SESSION ${TOKEN}`, "CAP LS 302", "NICK Zoe-Muller", "USER visitor 0 * visitor")
    .gets(":gw 433 * Zoe-Muller :in use")
    .sends("NICK Zoe-Muller-8000")
    .gets(":gw 432 * Zoe-Muller-8000 :no")
    .sends("NICK guest-8000");
});

test("a line goes from sending over stored to taken, and is kept until it is stored", () => {
  Transcript.online()
    .says("hello there")
    .sends("@+bridgebot/id=id1 PRIVMSG bridgebot :hello there")
    .effect({ kind: "keep", id: "id1", text: "hello there" })
    .shows("visitor sending: hello there")
    .gets(STORED)
    .effect({ kind: "forget", id: "id1" }, { kind: "state" })
    .shows("visitor stored: hello there")
    .gets("@+bridgebot/id=id1;+bridgebot/state=taken :bridgebot!b@h TAGMSG guest-8000")
    .shows("visitor taken: hello there")
    .gets(STORED)
    .shows("visitor taken: hello there");
});

test("a refused line says why and goes again under its first id", () => {
  const t = Transcript.online().says("hello").forget();
  t.gets("@+bridgebot/id=id1;+bridgebot/state=failed;+bridgebot/reason=too\\sfast :gw TAGMSG guest-8000");
  t.shows("visitor failed: hello");
  assert.equal(t.session.view.lines[0]?.reason, "too fast");
  t.does((session, now) => session.retry("id1", now)).sends("@+bridgebot/id=id1 PRIVMSG bridgebot hello");
  t.shows("visitor sending: hello").gets(STORED).shows("visitor stored: hello");
});

test("nobody but bot and server can say what became of a line, or speak", () => {
  Transcript.online()
    .says("hello")
    .gets("@+bridgebot/id=id1;+bridgebot/state=taken :mallory!m@h TAGMSG guest-8000")
    .gets(":mallory!m@h PRIVMSG guest-8000 :I am staff")
    .gets("@+bridgebot/kind=info :mallory!m@h NOTICE guest-8000 :I am the bridge")
    .shows("visitor sending: hello");
});

test("an answer is shown once, however often it comes", () => {
  const line =
    "@+bridgebot/from=staff1;+bridgebot/entry=2;time=2026-01-02T03:04:05.000Z :bridgebot!b@h PRIVMSG guest-8000 :Hi!";
  const t = Transcript.online().gets(line).gets(line).shows("staff: Hi!");
  const [shown] = t.session.view.lines;
  assert.equal(shown?.name, "staff1");
  assert.equal(shown?.at, Date.UTC(2026, 0, 2, 3, 4, 5));
});

test("an answer in several messages is one line, and coming again it stays one", () => {
  const part = (text: string): string => `@+bridgebot/entry=2 :bridgebot!b@h PRIVMSG guest-8000 :${text}`;
  const t = Transcript.online()
    .gets(part("one"))
    .gets(part("two"))
    .gets(part("one"))
    .shows("staff: one\ntwo");
  t.closes(1006).after(seconds(31)).opens().gets(":gw 001 guest-8000 :Welcome");
  t.history(part("one"), part("two")).shows("staff: one\ntwo");
});

test("the bridge's own words are shown, repeated ones once", () => {
  const line = "@+bridgebot/kind=waiting :bridgebot!b@h NOTICE guest-8000 :Nobody is here.";
  Transcript.online()
    .gets(line)
    .gets(line)
    .gets("@+bridgebot/kind=slow-down :gw NOTICE guest-8000 :Slow down.")
    .gets(":irc.test NOTICE guest-8000 :*** Looking up your hostname")
    .shows("bridge: Nobody is here.", "bridge: Slow down.");
});

test("after a lost connection unstored lines go again under their ids, after the history told which are stored", () => {
  const t = Transcript.online().says("one").says("two").forget();
  t.gets(STORED).closes(1006).is("lost").after(seconds(31)).effect({ kind: "connect" }).is("reconnecting");
  t.opens().forget().gets(":gw 001 guest-8000 :Welcome").says("three");
  t.sends("MONITOR + bridgebot", "CHATHISTORY LATEST bridgebot * 100");
  t.history(
    "@msgid=c-1;+bridgebot/entry=1;+bridgebot/id=id1;+bridgebot/state=taken :guest-8000!v@h PRIVMSG bridgebot :one",
    "@msgid=c-2;+bridgebot/entry=2;+bridgebot/from=staff1 :bridgebot!b@h PRIVMSG guest-8000 :Yes?",
  );
  t.sends("@+bridgebot/id=id2 PRIVMSG bridgebot two", "@+bridgebot/id=id3 PRIVMSG bridgebot three");
  t.shows("visitor taken: one", "staff: Yes?", "visitor sending: two", "visitor sending: three");
});

test("lines kept by the browser go again after a reload, under their ids", () => {
  const t = new Transcript({ unsent: [{ id: "old", text: "still here", at: 5 }] });
  t.shows("visitor sending: still here")
    .does((session, now) => session.connect(now))
    .opens();
  t.gets(":gw 001 guest-8000 :Welcome").forget().history();
  t.sends("@+bridgebot/id=old PRIVMSG bridgebot :still here");
});

test("a line that nobody says is stored goes again after a while", () => {
  Transcript.online()
    .says("hello")
    .forget()
    .after(seconds(14))
    .silent()
    .after(seconds(1))
    .sends("@+bridgebot/id=id1 PRIVMSG bridgebot hello")
    .gets(STORED)
    .after(seconds(14))
    .silent();
});

test("where the bot is gone the view says so, and when it is back the line goes again at once", () => {
  const t = Transcript.online().says("hello").forget();
  t.gets(":irc 401 guest-8000 bridgebot :No such nick");
  assert.equal(t.session.view.botHere, false);
  t.gets(":irc 730 guest-8000 :bridgebot!b@h").sends("@+bridgebot/id=id1 PRIVMSG bridgebot hello");
  assert.equal(t.session.view.botHere, true);
  t.gets(":irc 731 guest-8000 :bridgebot");
  assert.equal(t.session.view.botHere, false);
});

test("a bot that comes back under another nick is spoken to by that one", () => {
  const t = Transcript.online().says("hello").gets(":irc 401 guest-8000 bridgebot :No such nick").forget();
  t.gets(":gw NOTE SESSION READY bridgebot2 100 :speak").sends("@+bridgebot/id=id1 PRIVMSG bridgebot2 hello");
  t.gets("@+bridgebot/entry=1 :bridgebot!b@h PRIVMSG guest-8000 :not me").shows("visitor sending: hello");
});

test("no faster than the gateway allows", () => {
  const t = Transcript.online();
  for (const text of ["1", "2", "3", "4", "5", "6", "7"]) t.says(text);
  t.sends(...[1, 2, 3, 4, 5].map((n) => `@+bridgebot/id=id${n} PRIVMSG bridgebot ${n}`));
  t.after(1_100).sends("@+bridgebot/id=id6 PRIVMSG bridgebot 6");
  t.after(1_100).sends("@+bridgebot/id=id7 PRIVMSG bridgebot 7");
});

test("long text goes in pieces that fit, also what was written before the limit was known", () => {
  const t = Transcript.online().says(`${"word ".repeat(25)}end`);
  assert.equal(t.session.view.lines.length, 2);
  const early = new Transcript().says("x".repeat(250));
  early
    .shows(`visitor sending: ${"x".repeat(250)}`)
    .does((session, now) => session.connect(now))
    .opens();
  early
    .gets(":gw NOTE SESSION READY bridgebot 100 :speak")
    .gets(":gw 001 guest-8000 :Welcome")
    .forget()
    .history();
  early.sends(
    `@+bridgebot/id=id1 PRIVMSG bridgebot ${"x".repeat(100)}`,
    `@+bridgebot/id=id2 PRIVMSG bridgebot ${"x".repeat(100)}`,
    `@+bridgebot/id=id3 PRIVMSG bridgebot ${"x".repeat(50)}`,
  );
});

test("a line break or NUL in a text or a name never becomes a second command", () => {
  Transcript.online()
    .says("one\r\nQUIT\0")
    .sends("@+bridgebot/id=id1 PRIVMSG bridgebot one", "@+bridgebot/id=id2 PRIVMSG bridgebot QUIT")
    .does((session, now) => session.rename("a\r\nQUIT", now))
    .sends("NICK a-QUIT");
});

test("a name given while connected becomes the nick before the next line goes", () => {
  const t = Transcript.online()
    .does((session, now) => session.rename("Anna", now))
    .sends("NICK Anna");
  t.says("hello").silent().gets(":gw 433 guest-8000 Anna :in use").sends("NICK Anna-8000");
  t.gets(":guest-8000!v@h NICK Anna-8000").sends("@+bridgebot/id=id1 PRIVMSG bridgebot hello");
});

test("a server that says nothing about the new nick doesn't hold the line for ever", () => {
  const t = Transcript.online()
    .does((session, now) => session.rename("Anna", now))
    .says("hello")
    .sends("NICK Anna");
  t.after(seconds(3)).sends("@+bridgebot/id=id1 PRIVMSG bridgebot hello");
});

test("PING is answered; a server that doesn't answer ours within 10 s is left", () => {
  const t = Transcript.online().gets("PING :abc").sends("PONG abc");
  t.after(seconds(30)).sends(`PING ${t.now}`).gets(":gw PONG gw x").after(seconds(29)).silent();
  t.after(seconds(1)).forget().after(seconds(10)).effect({ kind: "disconnect" }).is("lost");
});

test("a socket that opens and then says nothing is left after 20 s", () => {
  const t = new Transcript()
    .does((session, now) => session.connect(now))
    .opens()
    .forget();
  t.after(seconds(20)).effect({ kind: "disconnect" }).is("lost");
});

test("each further try waits longer, up to 30 s, at random; a good connection begins anew", () => {
  const t = new Transcript({ random: () => 1 }).does((session, now) => session.connect(now));
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    t.closes(1006);
    const due = t.session.wakeAt ?? 0;
    waits.push(due - t.now);
    t.after(due - t.now);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  t.opens().gets(":gw 001 guest-ffff :Welcome").gets(":gw PONG gw").after(seconds(12)).closes(1001);
  assert.equal((t.session.wakeAt ?? 0) - t.now, 1_000);
});

test("the network coming back ends the wait", () => {
  const t = Transcript.online().closes(1006).forget();
  t.does((session, now) => session.nudge(now)).effect({ kind: "connect" });
});

test("continued elsewhere: stays away until the visitor wants it here", () => {
  const t = Transcript.online().closes(4001, "continued elsewhere").is("elsewhere").forget();
  t.after(seconds(600))
    .silent()
    .without("connect")
    .does((session, now) => session.nudge(now))
    .without("connect");
  t.does((session, now) => session.connect(now)).effect({ kind: "connect" });
});

test("a policy's reason is shown, a line that was too long is not sent again", () => {
  const t = Transcript.online().says("hello").closes(1008, "too many connections");
  assert.equal(t.session.view.reason, "too many connections");
  Transcript.online().says("hello").closes(1009).shows("visitor failed: hello");
});

test("a refused token is replaced", () => {
  const t = Transcript.online().gets(":gw FAIL SESSION INVALID_TOKEN :no").effect({ kind: "renew" });
  t.session.renewed("another-token-0123456789");
  t.closes(1006).after(seconds(31)).forget().opens();
  t.sends("SESSION another-token-0123456789", "CAP LS 302", "NICK guest-8000", "USER visitor 0 * visitor");
});

test("typing is told each 3 s, then that it paused, and that it is over", () => {
  const type =
    (empty = false): ((session: Transcript["session"], now: number) => void) =>
    (session, now) =>
      session.typed(empty, now);
  Transcript.online()
    .does(type())
    .sends("@+typing=active TAGMSG bridgebot")
    .after(seconds(1))
    .does(type())
    .silent()
    .after(seconds(2))
    .does(type())
    .sends("@+typing=active TAGMSG bridgebot")
    .after(seconds(5))
    .sends("@+typing=paused TAGMSG bridgebot")
    .does(type(true))
    .sends("@+typing=done TAGMSG bridgebot")
    .does(type(true))
    .silent();
});

test("staff typing is shown until it ends, by word, line, or time", () => {
  const typing = "@+typing=active :bridgebot!b@h TAGMSG guest-8000";
  const t = Transcript.online().gets(typing);
  assert.equal(t.session.view.typing, true);
  t.gets("@+typing=done :bridgebot!b@h TAGMSG guest-8000");
  assert.equal(t.session.view.typing, false);
  t.gets(typing).gets("@+bridgebot/entry=1 :bridgebot!b@h PRIVMSG guest-8000 :x");
  assert.equal(t.session.view.typing, false);
  t.gets(typing).after(seconds(20));
  assert.equal(t.session.view.typing, false);
});

test("what came while nobody looked counts as unread, over a reload too", () => {
  const t = Transcript.online({ seen: 1 });
  t.gets("@+bridgebot/entry=2 :bridgebot!b@h PRIVMSG guest-8000 :x");
  assert.equal(t.session.view.unread, 1);
  t.does((session) => session.attend(true)).effect({ kind: "seen", entry: 2 });
  assert.equal(t.session.view.unread, 0);
  t.gets("@+bridgebot/entry=3 :bridgebot!b@h PRIVMSG guest-8000 :y").effect({ kind: "seen", entry: 3 });

  const later = new Transcript({ seen: 2 }).does((session, now) => session.connect(now)).opens();
  later
    .gets(":gw 001 guest-8000 :Welcome")
    .history(
      "@msgid=c-2;+bridgebot/entry=2 :bridgebot!b@h PRIVMSG guest-8000 :x",
      "@msgid=c-3;+bridgebot/entry=3 :bridgebot!b@h PRIVMSG guest-8000 :y",
    );
  assert.equal(later.session.view.unread, 1);
});

test("more than a page was said while away: the gap is fetched; earlier lines on request", () => {
  const entry = (n: number): string =>
    `@msgid=c-${n};+bridgebot/entry=${n} :bridgebot!b@h PRIVMSG guest-8000 :line ${n}`;
  const page = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, n) => entry(from + n));
  const t = new Transcript()
    .does((session, now) => session.connect(now))
    .opens()
    .gets(":gw 001 guest-8000 :Welcome");
  t.history(...page(101, 200));
  assert.equal(t.session.view.hasEarlier, true);
  t.forget()
    .does((session, now) => session.earlier(now))
    .sends("CHATHISTORY BEFORE bridgebot msgid=c-101 100");
  t.history(...page(51, 100));
  assert.equal(t.session.view.hasEarlier, false);
  t.closes(1006).after(seconds(31)).opens().gets(":gw 001 guest-8000 :Welcome").forget();
  t.history(...page(451, 550)).sends("CHATHISTORY AFTER bridgebot msgid=c-200 100");
  t.history(...page(201, 300)).sends("CHATHISTORY AFTER bridgebot msgid=c-300 100");
  t.history(...page(301, 400)).sends("CHATHISTORY AFTER bridgebot msgid=c-400 100");
  t.history(...page(401, 500)).silent();
  assert.deepEqual(
    t.session.view.lines.map((line) => line.entry),
    Array.from({ length: 500 }, (_, n) => n + 51),
  );
});

test("garbage from the server changes nothing", () => {
  const t = Transcript.online();
  for (const line of [
    "",
    "@",
    ":",
    "@a=b",
    ":x",
    "\0\0",
    "@;;= :s",
    "PRIVMSG",
    "BATCH",
    "CAP",
    "NOTE SESSION READY",
    "x".repeat(20_000),
  ]) {
    t.gets(line);
  }
  t.gets(":gw BATCH +2 chathistory bridgebot")
    .gets("@batch=2 :bridgebot PRIVMSG")
    .gets("@batch=2 FOO")
    .gets(":gw BATCH -2");
  t.shows().is("online");
});
