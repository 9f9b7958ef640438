// Fails where what a visitor has to load is more than promised. Bytes of gzip -9, English.

import { gzipSync } from "node:zlib";
import { assets } from "./build.mjs";

const KB = 1024;
const all = await assets();
const size = (pattern) => {
  const [, content] = [...all].find(([name]) => pattern.test(name));
  return gzipSync(content, { level: 9 }).length;
};
const launcher = size(/^widget\.js$/);
const panel = size(/^panel-.*\.js$/);
let failed = false;
for (const [what, bytes, budget] of [
  ["before the first touch (widget.js)", launcher, 3 * KB],
  ["the open conversation (widget.js and panel)", launcher + panel, 15 * KB],
]) {
  failed ||= bytes > budget;
  console.log(
    `${String(bytes).padStart(6)} of ${budget} bytes  ${what}${bytes > budget ? "  TOO MUCH" : ""}`,
  );
}
process.exitCode = failed ? 1 : 0;
