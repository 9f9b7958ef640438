// The machine's own Chromium; nothing is downloaded.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? known.find(existsSync);

/** A headless browser, or null where there is none; with BRIDGEBOT_REQUIRE_PEERS=1 that is an error. */
export async function launch() {
  if (!executablePath) {
    if (process.env.BRIDGEBOT_REQUIRE_PEERS === "1") throw new Error("no Chromium; set CHROMIUM to its path");
    return null;
  }
  // Root, as in CI, has no sandbox in Chromium; what is opened here is only our own page.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({ executablePath, args });
}
