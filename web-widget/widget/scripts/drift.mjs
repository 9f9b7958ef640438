// Fails where ../dist isn't what the sources give. Compressed files are compared by what they hold: two versions of
// zlib may pack the same content differently.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { assets, DIST } from "./build.mjs";

const built = await assets();
const there = new Set(await readdir(DIST));
const wrong = [];
for (const [name, content] of built) {
  const old = there.delete(name) ? await readFile(join(DIST, name)) : undefined;
  const plain = (bytes) => (name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  if (!old) wrong.push(`${name} is missing`);
  else if (!plain(old).equals(plain(content))) wrong.push(`${name} differs`);
}
for (const name of there) wrong.push(`${name} is left over`);
if (wrong.length > 0) {
  console.error(`dist isn't what the sources give (npm run build):\n  ${wrong.join("\n  ")}`);
  process.exitCode = 1;
} else {
  console.log(`dist is what the sources give: ${built.size} files`);
}
