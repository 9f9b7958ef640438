// Bundles each *.test.ts of a folder for Node and runs `node --test` on the results.

import { spawn } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = process.argv[2] ?? "test/unit";
const out = join(here, ".test", folder);
const files = (await readdir(join(here, folder))).filter((name) => name.endsWith(".test.ts"));

await rm(out, { recursive: true, force: true });
await esbuild.build({
  entryPoints: files.map((name) => join(here, folder, name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: "inline",
});

const tests = files.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const options = [
  "--enable-source-maps",
  "--test",
  "--test-concurrency=1",
  "--test-timeout=120000",
  ...process.argv.slice(3),
];
spawn(process.execPath, [...options, ...tests], { cwd: here, stdio: "inherit" }).on("exit", (code) => {
  process.exitCode = code ?? 1;
});
