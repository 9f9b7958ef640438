/** The widget in a browser, as a visitor uses it. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { BrowserContextOptions } from "playwright-core";
import { skip } from "./chromium.ts";
import { stop, until, Visit } from "./visit.ts";

after(stop);

const PHONE: BrowserContextOptions = {
  viewport: { width: 375, height: 700 },
  isMobile: true,
  hasTouch: true,
};

function browserTest(
  name: string,
  path: string,
  body: (visit: Visit) => Promise<void>,
  options?: BrowserContextOptions,
): void {
  test(name, { skip }, async () => {
    const visit = await Visit.of(path, options);
    try {
      await body(visit);
      assert.deepEqual(
        visit.errors.filter((error) => !error.includes("WebSocket")),
        [],
      );
    } finally {
      await visit.end();
    }
  });
}

browserTest("before it is touched it stores nothing and opens nothing", "/plain", async (visit) => {
  await visit.launcher.waitFor();
  assert.equal(await visit.launcher.getAttribute("aria-expanded"), "false");
  assert.deepEqual(visit.site.requests, ["/plain", "/widget.js"]);
  assert.equal(await visit.stored(), 0);

  await visit.launcher.hover();
  await until("the panel's script", () => visit.site.requests.length === 3);
  assert.match(visit.site.requests[2] ?? "", /^\/widget\/panel-/);
  assert.equal(await visit.stored(), 0);
  assert.equal(visit.site.visitors.connected, 0);

  await visit.open();
  assert.equal(await visit.launcher.getAttribute("aria-expanded"), "true");
  assert.equal(await visit.stored(), 0);
  await visit.say("Hello");
  assert.equal(await visit.stored(), 1);
});

browserTest(
  "a line is shown, stored, taken; the answer comes; typing is seen both ways",
  "/plain",
  async (visit) => {
    visit.site.visitors.outcome = "silent";
    await visit.open();
    await visit.field.pressSequentially("Is it open?");
    await until("typing at the gateway", () =>
      visit.site.visitors.seen.includes("@+typing=active TAGMSG bridgebot"),
    );
    await visit.say("Is it open?");
    await visit.state("Is it open?", "sending");
    await until("the line at the gateway", () => visit.site.visitors.texts.length === 1);
    for (const state of ["stored", "waiting", "taken"]) {
      visit.site.visitors.state("Is it open?", state);
      await visit.state("Is it open?", state);
    }
    visit.site.visitors.say("TAGMSG", { "+typing": "active" });
    await visit.status("Typing…");
    visit.site.visitors.answer("Yes, until six.");
    await visit.log.getByText("Yes, until six.").waitFor();
    await visit.log.getByText("staff1").waitFor();
    await visit.status("Connected");
  },
);

browserTest("a failed line says why and can be tried again", "/plain", async (visit) => {
  visit.site.visitors.outcome = "silent";
  await visit.open();
  await visit.say("Hello");
  await until("the line at the gateway", () => visit.site.visitors.texts.length === 1);
  visit.site.visitors.state("Hello", "failed", "slow down, 12 s");
  await visit.log.getByText("Not sent: slow down, 12 s").waitFor();
  visit.site.visitors.outcome = "taken";
  await visit.log.getByRole("button", { name: "Try again" }).click();
  await visit.state("Hello", "taken");
  assert.deepEqual(visit.site.visitors.texts, ["Hello"]);
});

browserTest("a reload keeps the conversation, each line once", "/plain", async (visit) => {
  await visit.open();
  await visit.say("One");
  await visit.state("One", "taken");
  visit.site.visitors.answer("Two");
  await visit.log.getByText("Two").waitFor();
  const { nick } = visit.site.visitors;
  await visit.page.reload();
  await visit.launcher.click();
  await visit.log.getByText("Two").waitFor();
  assert.equal(visit.site.visitors.nick, nick);
  assert.deepEqual(await visit.texts(), ["One", "Two"]);
  await visit.state("One", "taken");
  await visit.say("Three");
  await visit.state("Three", "taken");
  assert.deepEqual(visit.site.visitors.texts, ["One", "Two", "Three"]);
});

browserTest("what is written without a connection goes when it is back, once", "/plain", async (visit) => {
  await visit.open();
  visit.site.visitors.outcome = "silent";
  await visit.say("Before");
  await until("the line at the gateway", () => visit.site.visitors.texts.length === 1);
  visit.site.visitors.drop();
  visit.site.visitors.outcome = "taken";
  await visit.say("While away");
  await visit.state("While away", "taken");
  assert.deepEqual(visit.site.visitors.texts, ["Before", "While away"]);
  assert.deepEqual(await visit.texts(), ["Before", "While away"]);
});

browserTest("a line that was not stored yet survives a reload", "/plain", async (visit) => {
  visit.site.visitors.outcome = "lost";
  await visit.open();
  await visit.say("Please keep me");
  visit.site.visitors.outcome = "taken";
  await visit.page.reload();
  await visit.launcher.click();
  await visit.state("Please keep me", "taken");
  assert.deepEqual(visit.site.visitors.texts, ["Please keep me"]);
});

browserTest("by keyboard alone", "/plain", async (visit) => {
  await visit.launcher.waitFor();
  await visit.page.evaluate(() => {
    addEventListener("keydown", (event) => document.body.setAttribute("data-heard", event.key));
  });
  const { keyboard } = visit.page;
  await keyboard.press("Tab");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await visit.status("Connected");
  await keyboard.type("first");
  await keyboard.press("Shift+Enter");
  await keyboard.type("second");
  assert.equal(await visit.field.inputValue(), "first\nsecond");
  await keyboard.press("Enter");
  await visit.state("second", "taken");
  assert.deepEqual(await visit.texts(), ["first", "second"]);
  assert.equal(await visit.page.locator("body").getAttribute("data-heard"), "Enter");
  await keyboard.press("Shift+Tab");
  await keyboard.press("Shift+Tab");
  await keyboard.press("Enter");
  await visit.dialog.waitFor({ state: "hidden" });
  await keyboard.press("Enter");
  await visit.dialog.waitFor();
  await keyboard.press("Escape");
  await visit.dialog.waitFor({ state: "hidden" });
  const focused = await visit.page.evaluate(() =>
    document.querySelector("bridgebot-chat")?.shadowRoot?.activeElement?.getAttribute("aria-label"),
  );
  assert.equal(focused, "Chat with us");
});

browserTest(
  "on a phone it fills the screen, is modal, and keeps the focus",
  "/plain",
  async (visit) => {
    await visit.open();
    assert.deepEqual(await visit.dialog.boundingBox(), { x: 0, y: 0, width: 375, height: 700 });
    assert.equal(await visit.dialog.getAttribute("aria-modal"), "true");
    for (let n = 0; n < 6; n++) {
      await visit.page.keyboard.press(n < 3 ? "Tab" : "Shift+Tab");
      assert.equal(await visit.page.evaluate(() => document.activeElement?.localName), "bridgebot-chat");
    }
    for (const button of await visit.dialog.getByRole("button").all()) {
      if (!(await button.isVisible())) continue;
      const box = await button.boundingBox();
      assert.ok(box && box.width >= 44 && box.height >= 44, await button.innerHTML());
    }
    const size = await visit.field.evaluate((field) => getComputedStyle(field).fontSize);
    assert.equal(size, "16px");
    await visit.dialog.getByRole("button", { name: "Close" }).click();
    await visit.launcher.waitFor();
  },
  PHONE,
);

browserTest("text is only ever text, and only http and https are links", "/plain", async (visit) => {
  await visit.open();
  const evil = `<img src=x onerror="document.title='owned'"> javascript:alert(1) https://a.example/?q="><b>`;
  visit.site.visitors.answer(evil);
  visit.site.visitors.answer("plain <script>document.title='owned'</script>", "<b>staff</b>");
  await visit.log.getByText("plain <script>").waitFor();
  assert.equal((await visit.texts())[0], evil);
  assert.equal(await visit.log.locator("img, script, b").count(), 0);
  const links = await visit.log
    .locator("a")
    .evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href));
  assert.deepEqual(links, ["https://a.example/?q="]);
  assert.equal(await visit.page.title(), "Shop");
});

test("a hostile page style sheet changes nothing inside", { skip }, async () => {
  const styles: string[] = [];
  for (const path of ["/plain", "/hostile"]) {
    const visit = await Visit.of(path);
    await visit.open();
    await visit.say("Hello");
    await visit.state("Hello", "taken");
    styles.push(
      await visit.page.evaluate(() => {
        const all = document.querySelector("bridgebot-chat")?.shadowRoot?.querySelectorAll("*") ?? [];
        const properties = [
          "font",
          "color",
          "background-color",
          "display",
          "opacity",
          "transform",
          "visibility",
          "width",
        ];
        return [...all]
          .filter((node) => node.localName !== "time")
          .map((node) => properties.map((name) => getComputedStyle(node).getPropertyValue(name)).join("|"))
          .join("\n");
      }),
    );
    await visit.end();
  }
  assert.equal(styles[0], styles[1]);
});

browserTest("calls made before the script is there are carried out", "/queue", async (visit) => {
  await visit.status("Connected");
  assert.equal(await visit.page.evaluate("window.wasReady"), true);
  await until("the name as nick", () => visit.site.visitors.nick === "Zoe-Test");
});

browserTest("the page's API", "/plain", async (visit) => {
  await visit.launcher.waitFor();
  await visit.page.evaluate(() => {
    const heard: string[] = [];
    Object.assign(window, { heard });
    for (const event of ["open", "close", "message", "state", "unread"] as const) {
      window.BridgeBot?.on(event, (detail) => heard.push(`${event} ${JSON.stringify(detail) ?? ""}`));
    }
    window.BridgeBot?.on("open", () => Promise.reject(new Error("never seen")).catch(() => {}))();
    window.BridgeBot?.send("from the page");
  });
  await until("the line at the gateway", () => visit.site.visitors.texts.length === 1);
  visit.site.visitors.answer("for the page");
  await visit.page.getByText("1 new answer").waitFor({ state: "attached" });
  await visit.page.evaluate(() => window.BridgeBot?.open());
  await visit.dialog.waitFor();
  await visit.page.evaluate(() => window.BridgeBot?.close());
  await visit.dialog.waitFor({ state: "hidden" });
  const heard = (await visit.page.evaluate("window.heard")) as string[];
  const events = heard.map((line) => line.split(" ")[0]);
  assert.deepEqual(events, ["state", "state", "message", "unread", "unread", "open", "close"]);
  assert.match(heard[2] ?? "", /"author":"staff","text":"for the page"/);
});

browserTest("in the head, and twice on a page, it is there once", "/head", async (visit) => {
  await visit.open();
  assert.equal(await visit.page.locator("bridgebot-chat").count(), 1);
});

browserTest(
  "another tab takes the conversation over, and gives it back on request",
  "/plain",
  async (visit) => {
    await visit.open();
    await visit.say("Hello");
    await visit.state("Hello", "taken");
    const other = await visit.context.newPage();
    await other.goto(visit.site.url("/plain"));
    await other.getByRole("button", { name: "Chat with us" }).click();
    await other.getByRole("log", { name: "Conversation" }).getByText("Hello").waitFor();
    await visit.status("goes on in another tab");
    await visit.dialog.getByRole("button", { name: "Continue here" }).click();
    await visit.status("Connected");
    await other.getByText("goes on in another tab").waitFor();
  },
);

browserTest("a visitor who comes back is told of an answer, without opening", "/plain", async (visit) => {
  await visit.open();
  await visit.say("Anyone?");
  await visit.state("Anyone?", "taken");
  await visit.page.reload();
  await until("the connection", () => visit.site.visitors.connected === 1);
  await until(
    "the history asked for",
    () => visit.site.visitors.seen.filter((line) => line.startsWith("CHATHISTORY")).length === 2,
  );
  visit.site.visitors.answer("Yes!");
  await visit.page.getByText("1 new answer").waitFor({ state: "attached" });
  await visit.launcher.click();
  await visit.log.getByText("Yes!").waitFor();
  assert.equal(await visit.page.getByText("1 new answer").count(), 0);
});

browserTest("a name given is the nick; a taken one gets something behind it", "/plain", async (visit) => {
  visit.site.visitors.occupy("Anna");
  await visit.open();
  await visit.dialog.getByRole("textbox", { name: "Your name" }).fill("Anna");
  await visit.say("Hello");
  await visit.state("Hello", "taken");
  assert.match(visit.site.visitors.nick, /^Anna-[0-9a-f]{4}$/);
  assert.equal(await visit.dialog.getByRole("textbox").count(), 1);
});

test("where the panel can't be loaded the visitor is told, and the next touch tries again", {
  skip,
}, async () => {
  const visit = await Visit.of("/plain");
  await visit.context.route("**/widget/panel-*", (route) => route.abort());
  await visit.launcher.click();
  await visit.page.getByText("can't be loaded right now").waitFor();
  await visit.context.unroute("**/widget/panel-*");
  await visit.open();
  await visit.end();
});
