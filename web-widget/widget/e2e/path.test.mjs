// The whole path as one person at the demo's page sees it: the visitor's widget on one side, a staff member's AIM
// window on the other, and between them the IRC daemon, the bridge and the OSCAR server.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { launch } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { appears } from "./timing.mjs";

const screenshots = process.env.E2E_SCREENSHOTS;

let browser;
let demo;
/** One at a time: a second page would sign `staff1` on again, and so the first one off. */
let context;

before(async () => {
  browser = await launch();
  if (browser) demo = await startDemo();
});

afterEach(async () => {
  await context?.close();
});

after(async () => {
  await browser?.close();
  if (demo) assert.equal(await demo.stop(), 0, "the demo's exit status");
});

test("a line typed in the widget is answered from the AIM window", async (t) => {
  if (!browser) return t.skip("no Chromium");
  const { page, problems, widget, aim } = await openDemo();
  await picture(page, "1-before");

  await widget.open();
  await widget.say("Hello, do you ship to Norway?");
  const line = aim.line("Hello, do you ship to Norway?");
  await line.waitFor();
  const label = /^(?:.*\s)?(\S+): Hello, do you ship/s.exec(await line.textContent())?.[1];
  assert.match(label ?? "", /^guest-[0-9a-f]{4}$/, "the visitor's label");
  await widget.line("Passed on to our staff").waitFor();

  await aim.say(`${label}: Yes, in three days.`);
  await widget.line("Yes, in three days.").waitFor();
  assert.equal(await widget.log.getByText(`${label}:`).count(), 0, "no label reaches the visitor");
  await picture(page, "2-answered");

  await page.reload();
  await widget.open();
  await widget.line("Hello, do you ship to Norway?").waitFor();
  await widget.line("Yes, in three days.").waitFor();
  await widget.say("Thank you!");
  await aim.line(`${label}: Thank you!`).waitFor();
  await picture(page, "3-reloaded");
  assert.deepEqual(problems, []);
});

test("lines go back and forth, and how long each takes is said", async (t) => {
  if (!browser) return t.skip("no Chromium");
  const { page, widget, aim } = await openDemo();
  await widget.open();
  await widget.say("first");
  const label = /(guest-[0-9a-f]{4}): first/.exec(await aim.line(": first").textContent())[1];

  // As many lines as the gateway takes at once, less the first.
  const there = [];
  const back = [];
  for (let round = 0; round < 4; round += 1) {
    const asked = appears(page, "aim", `${label}: question ${round}`);
    await widget.say(`question ${round}`);
    there.push(await asked);
    const answered = appears(page, "widget", `answer ${round}`);
    await aim.say(`${label}: answer ${round}`);
    back.push(await answered);
  }
  t.diagnostic(`typed in the widget -> shown in the AIM window: ${there.join(", ")} ms`);
  t.diagnostic(`typed in the AIM window -> shown in the widget: ${back.join(", ")} ms`);
});

/** The demo's page in a browser of its own, with a hand on both ends. */
async function openDemo() {
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(`http://${demo.addresses.http}/`);
  return { page, problems, widget: widgetOn(page), aim: aimOn(page) };
}

function widgetOn(page) {
  const log = page.getByRole("log", { name: "Conversation" });
  return {
    log,
    line: (text) => log.getByText(text),
    async open() {
      const dialog = page.getByRole("dialog", { name: "Chat" });
      if (!(await dialog.isVisible())) await page.getByRole("button", { name: "Chat with us" }).click();
      await dialog.waitFor();
    },
    async say(text) {
      await page.getByRole("textbox", { name: "Message" }).fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    },
  };
}

function aimOn(page) {
  const frame = page.frameLocator('iframe[title="AIM"]');
  return {
    line: (text) => frame.getByText(text).last(),
    async say(text) {
      const box = frame.getByRole("textbox");
      await box.fill(text);
      await box.press("Enter");
    },
  };
}

async function picture(page, name) {
  if (!screenshots) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, `${name}.png`), animations: "disabled" });
}
