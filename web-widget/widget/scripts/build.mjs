// Builds what the Rust crate embeds into ../dist (or the folder named as argument): scripts and style sheets with
// their hash in the name, each file also compressed, and the table of them as Rust source.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = join(here, "src");

export const DIST = resolve(here, "../dist");

const TYPES = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** An imported style sheet becomes its minified text. */
const cssAsText = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      if (build.initialOptions.entryPoints[0] === path) return undefined;
      return { contents: await minified(await readFile(path, "utf8"), "css"), loader: "text" };
    });
  },
};

async function minified(code, loader) {
  const { code: small } = await esbuild.transform(code, {
    loader,
    minify: true,
    target: TARGETS,
    charset: "utf8",
  });
  return small.trim();
}

const TARGETS = ["es2022", "chrome109", "firefox115", "safari16.4"];

async function bundle(entry, format, define = {}) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(sources, entry)],
    bundle: true,
    minify: true,
    write: false,
    format,
    define,
    target: TARGETS,
    charset: "utf8",
    legalComments: "none",
    plugins: [cssAsText],
  });
  return outputFiles[0].text;
}

const hash = (content) => createHash("sha256").update(content).digest("hex");

/** Everything in dist, by name. */
export async function assets() {
  const all = new Map();
  const add = (name, content) => {
    all.set(name, Buffer.from(content));
    return name;
  };
  const hashed = (name, content) => {
    const [stem, extension] = name.split(".");
    return add(`${stem}-${hash(content).slice(0, 10)}.${extension}`, content);
  };
  const page = async (name, words) => {
    let html = await readFile(join(sources, name, `${name}.html`), "utf8");
    for (const [word, value] of Object.entries(words)) html = html.replaceAll(`{{${word}}}`, value);
    add(`${name}.html`, html);
  };

  const panel = hashed("panel.js", await bundle("panel/mount.ts", "esm"));
  add("widget.js", await bundle("loader/loader.ts", "iife", { PANEL: JSON.stringify(`widget/${panel}`) }));

  for (const name of ["staff", "demo"]) {
    await page(name, {
      script: hashed(`${name}.js`, await bundle(`${name}/${name}.ts`, "esm")),
      style: hashed(`${name}.css`, await bundle(`${name}/${name}.css`, undefined)),
      icon: hashed("icon.svg", (await readFile(join(sources, "icon.svg"), "utf8")).replace(/\n\s*/g, "")),
    });
  }

  const table = [...all].map(([name, content]) => entry(name, content)).join("\n");
  for (const [name, content] of [...all]) all.set(`${name}.gz`, gzipSync(content, { level: 9 }));
  add("table.rs", `// Made by web-widget/widget/scripts/build.mjs.\n[\n${table}\n]\n`);
  return all;
}

function entry(name, content) {
  const stem = name.replace(/-[0-9a-f]{10}(?=\.)/, "");
  return `    Asset {
        name: "${name}",
        stem: "${stem}",
        content_type: "${TYPES[name.split(".").at(-1)]}",
        etag: "\\"${hash(content).slice(0, 20)}\\"",
        bytes: include_bytes!("${name}"),
        gzip: include_bytes!("${name}.gz"),
    },`;
}

export async function write(folder) {
  const all = await assets();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of all) await writeFile(join(folder, name), content);
  return all;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [name, content] of await write(process.argv[2] ?? DIST)) {
    if (!name.endsWith(".gz")) console.log(`${String(content.length).padStart(7)}  ${name}`);
  }
}
