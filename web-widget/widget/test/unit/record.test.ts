import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT_FOR, RecordStore, type Remembered } from "../../src/panel/record.ts";

class Shelf {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

const RECORD: Remembered = {
  token: "0123456789abcdefABCDEF",
  name: "Anna",
  guest: "guest-1234",
  seen: 3,
  spoke: 7,
  unsent: [],
};
const same = <T>(unsent: T): T => unsent;

test("what was saved is there until its time is over, then it is gone for good", () => {
  const shelf = new Shelf();
  const store = new RecordStore(shelf, "k");
  assert.equal(store.load(0), undefined);
  store.save(RECORD, same, 1_000);
  assert.equal(store.load(1_000 + KEPT_FOR - 1)?.token, RECORD.token);
  assert.equal(store.load(1_000 + KEPT_FOR), undefined);
  assert.equal(shelf.items.size, 0);
});

test("two tabs don't take each other's unsent lines away", () => {
  const shelf = new Shelf();
  const line = (id: string) => ({ id, text: id, at: 1 });
  const one = new RecordStore(shelf, "k");
  const two = new RecordStore(shelf, "k");
  one.save({ ...RECORD, unsent: [line("a")] }, (unsent) => [...unsent, line("a")], 1);
  two.save({ ...RECORD, unsent: [line("b")] }, (unsent) => [...unsent, line("b")], 1);
  one.save(RECORD, (unsent) => unsent.filter(({ id }) => id !== "a"), 1);
  assert.deepEqual(two.load(1)?.unsent, [line("b")]);
});

test("what isn't a record is nothing", () => {
  const shelf = new Shelf();
  const store = new RecordStore(shelf, "k");
  for (const value of [
    "",
    "null",
    "1",
    "[]",
    "{",
    '{"until":9e15}',
    JSON.stringify({ ...RECORD, token: "x y", until: 9e15 }),
    JSON.stringify({ ...RECORD, unsent: [{}], until: 9e15 }),
  ]) {
    shelf.setItem("k", value);
    assert.equal(store.load(0), undefined, value);
  }
});

test("a page without storage, or a full one, is no error", () => {
  const none = new RecordStore(undefined, "k");
  none.save(RECORD, same, 0);
  assert.equal(none.load(0), undefined);
  const fail = (): never => {
    throw new Error("QuotaExceededError");
  };
  const full = new RecordStore({ getItem: fail, setItem: fail, removeItem: fail }, "k");
  full.save(RECORD, same, 0);
  assert.equal(full.load(0), undefined);
});
