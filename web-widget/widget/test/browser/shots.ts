/** Pictures of every view, to look at: `npm run shots -- FOLDER`. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launch } from "./chromium.ts";
import { Site } from "./site.ts";

const folder = process.argv[2] ?? "shots";
mkdirSync(folder, { recursive: true });

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };
const browser = await launch();

async function shoot(
  name: string,
  path: string,
  options: Parameters<typeof browser.newContext>[0],
  act: (page: Page, site: Site) => Promise<void>,
): Promise<void> {
  const site = await Site.start();
  site.staffGreeting = [
    { type: "state", state: "online", screen_name: "staff1" },
    {
      type: "buddies",
      buddies: [
        { name: "bridgebot", group: "Visitors", online: true, away: false, idle_minutes: 0 },
        { name: "staff2", group: "Co-workers", online: true, away: true, idle_minutes: 0 },
        { name: "Old Friend", group: "Co-workers", online: false, away: false, idle_minutes: 0 },
      ],
    },
  ];
  const context = await browser.newContext({
    viewport: DESKTOP,
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.on("console", (message) => console.log(name, message.type(), message.text()));
  page.on("pageerror", (error) => console.log(name, error.message));
  await page.goto(site.url(path));
  await act(page, site);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
  site.stop();
}

async function open(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Chat with us" }).click();
  await page.getByText("Connected").waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("log", { name: "Conversation" }).getByText(text).waitFor();
}

async function talk(page: Page, site: Site): Promise<void> {
  await open(page);
  await say(page, "Hi! I'm 1.92 m tall and paddle on lakes mostly.");
  await say(page, "Which length of the otter tail should I take?");
  await page.getByText("Passed on").last().waitFor();
  site.visitors.answer("Hello! At that height I'd go for 160 cm.");
  site.visitors.answer(
    "There's a table with all lengths here: https://alder.example/lengths (and come by on Saturday to try one)",
    "staff1",
  );
  await say(page, "Lovely, thank you. Do you ship to Norway?");
  site.visitors.outcome = "stored";
  site.visitors.say("NOTICE", { "+bridgebot/kind": "info" }, "staff1 will be back in a minute.");
  site.visitors.say("TAGMSG", { "+typing": "active" });
  await page.waitForTimeout(400);
}

await shoot("launcher", "/", {}, async (page) => void (await page.waitForSelector("bridgebot-chat")));
await shoot("welcome", "/", {}, open);
await shoot("talk", "/", {}, async (page, site) => {
  site.onStaff = ({ type, id }) => type === "im" && site.tellStaff({ type: "sent", id, at: Date.now() });
  await talk(page, site);
  const frame = page.frameLocator('iframe[title="AIM"]');
  site.tellStaff({
    type: "im",
    from: "bridgebot",
    text: "guest-4f2a: Hi! I'm 1.92 m tall and paddle on lakes mostly.\nguest-4f2a: Which length of the otter tail should I take?",
    at: Date.now(),
  });
  await frame.getByRole("textbox", { name: "Message" }).fill("Hello! At that height I'd go for 160 cm.");
  await frame.getByRole("button", { name: "Send" }).click();
  await frame.getByText("✓").waitFor();
  site.tellStaff({ type: "im", from: "staff2", text: "lunch?", at: Date.now() });
  site.tellStaff({
    type: "im",
    from: "bridgebot",
    text: "guest-4f2a: Lovely, thank you. Do you ship to Norway?",
    at: Date.now(),
  });
  site.tellStaff({ type: "typing", from: "bridgebot", state: "typing" });
  await page.waitForTimeout(200);
});
await shoot("talk-dark", "/", { colorScheme: "dark" }, talk);
await shoot(
  "talk-phone",
  "/plain",
  { viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  talk,
);
await shoot(
  "talk-phone-dark",
  "/plain",
  { viewport: PHONE, isMobile: true, colorScheme: "dark", deviceScaleFactor: 2 },
  talk,
);
await shoot("welcome-phone", "/plain", { viewport: PHONE, isMobile: true, deviceScaleFactor: 2 }, open);
await shoot("failed", "/plain", {}, async (page, site) => {
  await talk(page, site);
  await say(page, "And this one does not get through.");
  site.visitors.state("And this one does not get through.", "failed", "staff have left for today");
  site.visitors.drop();
  await page.waitForTimeout(300);
});
await shoot("elsewhere", "/plain", { colorScheme: "dark" }, async (page, site) => {
  await talk(page, site);
  site.visitors.drop(4001);
  await page.waitForTimeout(200);
});
await shoot("rtl", "/rtl", {}, async (page, site) => {
  await talk(page, site);
  await say(page, "שלום, האם אתם שולחים לחיפה?");
});
await shoot("forced", "/plain", { forcedColors: "active" }, talk);
await shoot("hostile", "/hostile", {}, talk);
await shoot("staff", "/staff", {}, async (page, site) => {
  site.tellStaff({
    type: "im",
    from: "bridgebot",
    text: "guest-4f2a: Hi! Do you ship to Norway? https://example.org/a",
    at: Date.now(),
  });
  await page.getByRole("textbox", { name: "Message" }).fill("Yes, it takes 10 days.");
  await page.getByRole("button", { name: "Send" }).click();
  site.tellStaff({ type: "failed", id: 1, reason: "bridgebot is not signed on" });
  await page.waitForTimeout(200);
});
await shoot(
  "demo-phone",
  "/",
  { viewport: PHONE, deviceScaleFactor: 1 },
  async (page) => void (await page.waitForTimeout(300)),
);
await browser.close();
