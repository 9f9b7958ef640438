/** The demo's page and the AIM window, as a person uses them. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { skip } from "./chromium.ts";
import { stop, until, Visit } from "./visit.ts";

after(stop);

const SIGNED_ON = [
  { type: "state", state: "online", screen_name: "staff1" },
  {
    type: "buddies",
    buddies: [
      { name: "bridgebot", group: "Buddies", online: true, away: false, idle_minutes: 0 },
      { name: "staff2", group: "Buddies", online: true, away: true, idle_minutes: 0 },
    ],
  },
];

async function signOn(visit: Visit): Promise<void> {
  await until("the AIM window's socket", () => visit.site.staff.size === 1);
  for (const message of SIGNED_ON) visit.site.tellStaff(message);
}

test("the AIM window: one conversation from the start, lines both ways", { skip }, async () => {
  const visit = await Visit.of("/staff");
  const { page, site } = visit;
  assert.equal(await page.getByRole("textbox").count(), 1);
  const field = page.getByRole("textbox", { name: "Message", exact: true });
  const log = page.getByRole("log", { name: "Conversation" });
  await page.getByRole("button", { name: "Send" }).waitFor();
  await signOn(visit);
  await page.getByText("Available").waitFor();

  site.tellStaff({ type: "typing", from: "bridgebot", state: "typing" });
  await page.getByText("bridgebot is typing…").waitFor();
  site.tellStaff({ type: "im", from: "bridgebot", text: "anna: hello\nanna: <b>there</b>", at: 1 });
  await log.getByText("anna: <b>there</b>").waitFor();
  assert.equal(await page.getByText("is typing…").count(), 0);

  await field.fill("first");
  await field.press("Shift+Enter");
  await field.pressSequentially("second");
  await field.press("Enter");
  await log.getByText("first second").waitFor();
  assert.equal(await field.inputValue(), "");
  await until("the message", () => site.staffSaid.some((said) => said["type"] === "im"));
  const said = site.staffSaid.find((message) => message["type"] === "im");
  assert.deepEqual({ ...said, id: 0 }, { type: "im", id: 0, to: "bridgebot", text: "first\nsecond" });
  await page.locator('[data-state="sending"]').waitFor();
  site.tellStaff({ type: "sent", id: said?.["id"], at: 2 });
  await page.locator('[data-state="sent"]').waitFor();

  site.tellStaff({ type: "im", from: "staff2", text: "lunch?", at: 3 });
  await page.getByRole("button", { name: /staff2.*1 new/ }).click();
  await log.getByText("lunch?").waitFor();
  assert.equal(await log.getByText("hello").count(), 0);
  assert.equal(await page.getByRole("textbox").count(), 1);

  const away = page.getByRole("button", { name: "Away", exact: true });
  await away.click();
  assert.equal(await away.getAttribute("aria-pressed"), "true");
  await until("away", () => site.staffSaid.some((message) => message["type"] === "away"));
  assert.deepEqual(visit.errors, []);
  await visit.end();
});

test("the AIM window finds its server again", { skip }, async () => {
  const visit = await Visit.of("/staff");
  await signOn(visit);
  await visit.page.getByText("Available").waitFor();
  for (const socket of visit.site.staff) socket.cut();
  await visit.page
    .getByText(/Offline: .*|Signing on…/)
    .first()
    .waitFor();
  await signOn(visit);
  await visit.page.getByText("Available").waitFor();
  await visit.end();
});

test("the AIM window, signed on elsewhere, stays off until its owner wants it back", { skip }, async () => {
  const visit = await Visit.of("/staff");
  await signOn(visit);
  await visit.page.getByText("Available").waitFor();
  visit.site.tellStaff({
    type: "state",
    state: "offline",
    screen_name: "staff1",
    reason: "signed on elsewhere",
  });
  await visit.page.getByText("Offline: signed on elsewhere.").waitFor();
  const before = visit.site.requests.length;
  await visit.page.getByRole("button", { name: "Sign on" }).click();
  await until("another socket", () => visit.site.requests.length > before);
  await signOn(visit);
  await visit.page.getByText("Available").waitFor();
  await visit.end();
});

test("the demo's page: the site with the widget, the AIM window in its frame, no doubled names", {
  skip,
}, async () => {
  const visit = await Visit.of("/");
  const { page, site } = visit;
  const frame = page.frameLocator('iframe[title="AIM"]');
  await frame.getByRole("textbox", { name: "Message" }).waitFor();
  await page.getByText("5190").waitFor();
  await signOn(visit);
  await visit.open();
  for (const role of ["button", "dialog", "log", "textbox", "heading", "link", "region", "img"] as const) {
    for (const word of ["Chat with us", "Chat", "Conversation", "Message", "Send", "Close", "AIM"]) {
      const inWidget = await page.locator("bridgebot-chat").getByRole(role, { name: word }).count();
      assert.equal(await page.getByRole(role, { name: word }).count(), inWidget, `${role} ${word}`);
    }
  }
  for (const [role, name] of [
    ["button", "Chat with us"],
    ["dialog", "Chat"],
    ["log", "Conversation"],
    ["textbox", "Message"],
    ["button", "Send"],
    ["button", "Close"],
  ] as const) {
    assert.equal(await page.getByRole(role, { name }).count(), 1, `${role} ${name}`);
  }
  await visit.say("Do you ship?");
  await visit.state("Do you ship?", "taken");
  site.tellStaff({ type: "im", from: "bridgebot", text: "guest-4f2a: Do you ship?", at: 1 });
  await frame.getByRole("log", { name: "Conversation" }).getByText("Do you ship?").waitFor();
  assert.deepEqual(visit.errors, []);
  await visit.end();
});
