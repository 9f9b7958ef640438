import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutFormatting } from "../../src/irc/formatting.ts";
import { format, nickOf, parse, sameNick } from "../../src/irc/message.ts";

test("parses tags, source, command and parameters", () => {
  const message = parse(
    "@time=2026-01-01T00:00:00Z;+a/b=x\\:y\\s\\\\z\\q;empty;=v :n!u@h  privmsg  #c  :hello :there \r\n",
  );
  assert.deepEqual(
    [...(message?.tags ?? [])],
    [
      ["time", "2026-01-01T00:00:00Z"],
      ["+a/b", "x;y \\zq"],
      ["empty", ""],
      ["", "v"],
    ],
  );
  assert.deepEqual(
    { ...message, tags: 0 },
    { tags: 0, source: "n!u@h", command: "PRIVMSG", params: ["#c", "hello :there "] },
  );
  assert.deepEqual(parse("PING")?.params, []);
  assert.deepEqual(parse(":s 005 nick :")?.params, ["nick", ""]);
});

test("what is no line parses to nothing", () => {
  for (const line of ["", " ", "@tag", ":source", "@a :b", "12 x", "1234 x", "PRI\0VMSG x", "é x"]) {
    assert.equal(parse(line), undefined, JSON.stringify(line));
  }
});

test("formats what parses to the same", () => {
  const line = format("PRIVMSG", ["bot", "a: b; c"], { "+id": "x y;z\\\r\n", flag: "" });
  assert.equal(line, "@+id=x\\sy\\:z\\\\\\r\\n;flag PRIVMSG bot :a: b; c");
  const message = parse(line);
  assert.equal(message?.tags.get("+id"), "x y;z\\\r\n");
  assert.deepEqual(message?.params, ["bot", "a: b; c"]);
});

test("no parameter can end the line, or become two", () => {
  assert.equal(format("NICK", ["a\r\nQUIT"]), "NICK aQUIT");
  assert.equal(format("MODE", ["a b", ":c", "d\0"]), "MODE ab c d");
  assert.equal(format("MODE", ["", ":x"]), "MODE * ::x");
});

test("nicks compare by RFC 1459's case mapping", () => {
  assert.ok(sameNick("Guest[1]\\~", "gUEST{1}|^"));
  assert.ok(!sameNick("a", "b"));
  assert.equal(nickOf("a!b@c"), "a");
  assert.equal(nickOf("server.name"), "server.name");
});

test("formatting codes and control characters go, text stays", () => {
  assert.equal(
    withoutFormatting("\x02bold\x0f \x0304,12red\x03 \x0499aaff\x1ditalic\x1d 7\x07\x1b[0m\ttab\n"),
    "bold red italic 7[0m\ttab\n",
  );
});
