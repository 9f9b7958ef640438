// `bridgebot demo` as a child process, on free ports.

import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const target = path.resolve(root, process.env.CARGO_TARGET_DIR ?? "target");
const program = process.env.BRIDGEBOT ?? path.join(target, "debug", "bridgebot");

/** Starts it; gives its addresses by name once it is ready, and `stop`, which checks that it ended well. */
export async function startDemo() {
  const free = "127.0.0.1:0";
  const child = spawn(program, ["demo", "--http", free, "--irc", free, "--oscar", free], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
  ended.catch(() => {}); // whoever waits for it is told
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then((code) => {
      throw new Error(`${program} ended with ${code} instead of becoming ready`);
    }),
  ]);
  const [ready, ...pairs] = line.split(" ");
  if (ready !== "ready") throw new Error(`${program} said ${line}`);
  return {
    addresses: Object.fromEntries(pairs.map((pair) => pair.split("="))),
    async stop() {
      child.kill("SIGTERM");
      return await ended;
    },
  };
}
