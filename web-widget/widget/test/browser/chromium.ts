/** A Chromium of the system for the browser tests; without one they are skipped, saying so. */

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CANDIDATES = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export const CHROMIUM = CANDIDATES.find((path) => path && existsSync(path));

export const skip =
  CHROMIUM === undefined && process.env["BRIDGEBOT_REQUIRE_PEERS"] !== "1"
    ? "no Chromium here; name one by CHROMIUM=/path"
    : false;

const QUIET = [
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-sync",
];

export function launch(): Promise<Browser> {
  if (!CHROMIUM) throw new Error("no Chromium");
  return chromium.launch({ executablePath: CHROMIUM, headless: true, chromiumSandbox: false, args: QUIET });
}
