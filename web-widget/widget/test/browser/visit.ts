/** One visitor's browser on one page of a site of its own, and the words by which its parts are found. */

import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { launch } from "./chromium.ts";
import { Site } from "./site.ts";

/** Far above what anything takes, for a busy machine. */
const PATIENCE = 10_000;

let browser: Promise<Browser> | undefined;

const open = new Set<Visit>();

/** For the end of a file of tests: a failed one has left its visit open. */
export async function stop(): Promise<void> {
  for (const visit of open) await visit.end();
  await (await browser)?.close();
}

export class Visit {
  /** What the page complained about. */
  readonly errors: string[] = [];
  readonly site: Site;
  readonly context: BrowserContext;
  readonly page: Page;

  private constructor(site: Site, context: BrowserContext, page: Page) {
    this.site = site;
    this.context = context;
    this.page = page;
    page.on("console", (message) => message.type() === "error" && this.errors.push(message.text()));
    page.on("pageerror", (error) => this.errors.push(String(error)));
  }

  static async of(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
    browser ??= launch();
    const site = await Site.start();
    const context = await (await browser).newContext({ reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE);
    const visit = new Visit(site, context, await context.newPage());
    open.add(visit);
    await visit.page.goto(site.url(path));
    return visit;
  }

  async end(): Promise<void> {
    open.delete(this);
    await this.context.close();
    this.site.stop();
  }

  get launcher(): Locator {
    return this.page.getByRole("button", { name: "Chat with us" });
  }

  get dialog(): Locator {
    return this.page.getByRole("dialog", { name: "Chat" });
  }

  get log(): Locator {
    return this.dialog.getByRole("log", { name: "Conversation" });
  }

  get field(): Locator {
    return this.dialog.getByRole("textbox", { name: "Message" });
  }

  async open(): Promise<void> {
    await this.launcher.click();
    await this.status("Connected");
  }

  async status(words: string): Promise<void> {
    await this.dialog.getByRole("status").filter({ hasText: words }).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.dialog.getByRole("button", { name: "Send" }).click();
    await this.log.getByText(text, { exact: true }).waitFor();
  }

  /** Until the line with this text is in that state. */
  async state(text: string, state: string): Promise<void> {
    await this.page.locator(`[data-state="${state}"]`).filter({ hasText: text }).waitFor();
  }

  async texts(): Promise<string[]> {
    return this.log.locator(".words").allTextContents();
  }

  async stored(): Promise<number> {
    const page = await this.page.evaluate(
      () => localStorage.length + sessionStorage.length + document.cookie.length,
    );
    return page + (await this.context.cookies()).length;
  }
}

/** Waits, with a bound, for what has no event of its own. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
