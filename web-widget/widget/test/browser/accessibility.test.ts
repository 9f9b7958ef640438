/** axe finds nothing in any view, in any theme, direction and width. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { skip } from "./chromium.ts";
import { stop, Visit } from "./visit.ts";

after(stop);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate(
    `axe.run({ iframes: false }).then((result) => result.violations)`,
  )) as Finding[];
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
}

const LOOKS: Readonly<Record<string, { path?: string; options: BrowserContextOptions }>> = {
  light: { options: {} },
  dark: { options: { colorScheme: "dark" } },
  "right to left": { path: "/rtl", options: {} },
  "forced colours": { options: { forcedColors: "active" } },
  phone: { options: { viewport: { width: 375, height: 700 } } },
  "dark phone": { options: { viewport: { width: 375, height: 700 }, colorScheme: "dark" } },
};

for (const [look, { path, options }] of Object.entries(LOOKS)) {
  test(`the widget, ${look}`, { skip }, async () => {
    // axe's own script is injected, which the page's policy would forbid.
    const visit = await Visit.of(path ?? "/plain", { ...options, bypassCSP: true });
    const { page, site } = visit;
    await visit.launcher.waitFor();
    assert.deepEqual(await findings(page), [], "launcher");
    await visit.open();
    assert.deepEqual(await findings(page), [], "welcome");
    await visit.say("Hello https://a.example");
    await visit.state("Hello", "taken");
    site.visitors.answer("See https://b.example, please.");
    site.visitors.say("NOTICE", { "+bridgebot/kind": "info" }, "Back in a minute.");
    await visit.say("This fails");
    site.visitors.outcome = "silent";
    await visit.say("This goes on");
    site.visitors.say("TAGMSG", { "+typing": "active" });
    await visit.status("Typing…");
    assert.deepEqual(await findings(page), [], "conversation");
    site.visitors.outcome = "stored";
    await visit.say("No");
    await visit.state("No", "stored");
    site.visitors.state("No", "failed", "refused");
    await visit.log.getByRole("button", { name: "Try again" }).waitFor();
    assert.deepEqual(await findings(page), [], "failed line");
    site.visitors.drop(4001);
    await visit.dialog.getByRole("button", { name: "Continue here" }).waitFor();
    assert.deepEqual(await findings(page), [], "elsewhere");
    await visit.end();
  });
}

for (const path of ["/", "/staff"]) {
  test(`the page ${path}`, { skip }, async () => {
    const visit = await Visit.of(path, { bypassCSP: true });
    visit.site.tellStaff({ type: "state", state: "online", screen_name: "staff1" });
    visit.site.tellStaff({
      type: "buddies",
      buddies: [
        { name: "bridgebot", group: "Buddies", online: true, away: false, idle_minutes: 0 },
        { name: "staff2", group: "Buddies", online: false, away: false, idle_minutes: 0 },
      ],
    });
    visit.site.tellStaff({ type: "im", from: "bridgebot", text: "anna: hello https://a.example", at: 0 });
    await visit.page.waitForLoadState("networkidle");
    assert.deepEqual(await findings(visit.page), []);
    await visit.end();
  });
}
