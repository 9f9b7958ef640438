import assert from "node:assert/strict";
import { test } from "node:test";
import { guestNick, nickBeside, nickFrom } from "../../src/irc/nick.ts";
import { byteLength, split } from "../../src/irc/split.ts";
import { withLinks } from "../../src/panel/links.ts";

test("every piece fits, and nothing that can be seen is lost", () => {
  const samples = [
    "short",
    "word ".repeat(200),
    "x".repeat(1_000),
    "żółć ".repeat(90),
    "👩‍👩‍👧‍👦".repeat(40),
    "e\u0301".repeat(300),
    "a\u0300".repeat(1) + "\u0301".repeat(400),
  ];
  for (const sample of samples) {
    for (const bytes of [16, 50, 100, 383]) {
      const pieces = split(sample, bytes);
      for (const piece of pieces) assert.ok(byteLength(piece) <= bytes && piece !== "", `${bytes}: ${piece}`);
      assert.equal(pieces.join("").replace(/ /g, ""), sample.replace(/ /g, ""));
    }
  }
});

test("no cut inside a grapheme", () => {
  const family = "👩‍👩‍👧‍👦";
  for (const piece of split(family.repeat(9), 60)) assert.equal(piece.replaceAll(family, ""), "");
});

test("cuts between words where it can, and each line of the text is a piece of its own", () => {
  assert.deepEqual(split("one two three four", 10), ["one two", "three four"]);
  assert.deepEqual(split("a\nb\r\n\n  \nc\rd ", 50), ["a", "b", "c", "d"]);
  assert.deepEqual(split(" \n\t", 50), []);
  assert.deepEqual(split("\x01ACTION waves\x01", 50), ["ACTION waves"]);
});

test("names become nicks, as like them as IRC allows", () => {
  assert.equal(nickFrom("Anna"), "Anna");
  assert.equal(nickFrom("  Zoë van der Weiß "), "Zoe-van-der-Weiss");
  assert.equal(nickFrom("4711 bob!@#"), "bob");
  assert.equal(nickFrom("a".repeat(50)), "a".repeat(20));
  for (const name of ["", "   ", "太郎", "123", "🙂", "___"]) assert.equal(nickFrom(name), undefined, name);
  assert.equal(
    guestNick(() => 0),
    "guest-0000",
  );
  assert.equal(
    guestNick(() => 0.999999999),
    "guest-ffff",
  );
  assert.equal(
    nickBeside("anna", () => 0.5),
    "anna-8000",
  );
  assert.equal(
    nickBeside("anna-8000", () => 0),
    "anna-0000",
  );
  assert.equal(
    nickBeside("guest-1234", () => 0),
    "guest-0000",
  );
});

test("only http and https become links, without the sentence around them", () => {
  const links = (text: string): string[] => withLinks(text).flatMap(({ href }) => (href ? [href] : []));
  assert.deepEqual(links("see https://a.example/x?y=1#z."), ["https://a.example/x?y=1#z"]);
  assert.deepEqual(links("(http://a.example/b_(c)) and HTTPS://B.example, ok"), [
    "http://a.example/b_(c)",
    "https://b.example/",
  ]);
  assert.deepEqual(
    links("javascript:alert(1) data:text/html,x ftp://x <img src=x onerror=y> https:// http://[bad"),
    [],
  );
  for (const text of ["plain", "a https://x.example b", "https://x.example"]) {
    assert.equal(
      withLinks(text)
        .map((piece) => piece.text)
        .join(""),
      text,
    );
  }
});
