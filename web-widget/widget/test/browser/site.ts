/** A web server on a free port: the built bundle as the Rust crate serves it, some pages that embed it, both sockets. */

import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Visitors } from "./visitors.ts";
import { ServerSocket } from "./web-socket.ts";

const DIST = process.env["WIDGET_DIST"] ?? join(process.cwd(), "../dist");

const STRICT =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  svg: "image/svg+xml",
};

const HOSTILE = `*{font:40px/3 serif!important;color:red!important;background:yellow!important;direction:ltr}
button,div,textarea,bridgebot-chat{display:none!important;position:static!important;opacity:.1!important;transform:scale(.2)!important}
bridgebot-chat{all:unset!important;visibility:hidden!important;pointer-events:none!important}`;

const PAGES: Readonly<Record<string, string>> = {
  "/plain": page(""),
  "/rtl": page("", ' dir="rtl"'),
  "/head": `<!doctype html><html lang="en"><head><title>head</title><link rel="icon" href="data:,"><script src="/widget.js"></script><script src="/widget.js" async></script></head><body><main><h1>Shop</h1></main></body></html>`,
  "/hostile": page(`<link rel="stylesheet" href="/hostile.css">`),
  "/queue": page(`<script src="/queue.js"></script>`),
};

function page(head: string, html = ""): string {
  return `<!doctype html><html lang="en"${html}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title><link rel="icon" href="data:,">${head}<script src="/widget.js" async></script></head><body><main><h1>Shop</h1><p>Goods.</p><a href="#more">More</a></main></body></html>`;
}

export class Site {
  readonly visitors = new Visitors();
  readonly staff = new Set<ServerSocket>();
  readonly staffSaid: Record<string, unknown>[] = [];
  readonly requests: string[] = [];
  /** What the AIM window's socket says at first; a test may speak on. */
  staffGreeting: Record<string, unknown>[] = [];
  onStaff: (said: Record<string, unknown>) => void = () => {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Site> {
    const server = createServer();
    const site = new Site(server);
    server.on("request", (request, response) => {
      const path = new URL(request.url ?? "/", "http://test").pathname;
      site.requests.push(path);
      const [type, content] = site.#content(path) ?? ["", undefined];
      response.writeHead(content === undefined ? 404 : 200, {
        "content-type": type,
        "content-security-policy": STRICT,
      });
      response.end(content);
    });
    server.on("upgrade", (request, stream) => {
      site.requests.push(request.url ?? "");
      const { pathname } = new URL(request.url ?? "/", "http://test");
      if (pathname === "/irc") site.visitors.accept(new ServerSocket(request, stream, "text.ircv3.net"));
      else if (pathname === "/staff/socket") site.#staffSocket(new ServerSocket(request, stream));
      else stream.destroy();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return site;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  tellStaff(message: Record<string, unknown>): void {
    for (const socket of this.staff) socket.send(JSON.stringify(message));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #staffSocket(socket: ServerSocket): void {
    this.staff.add(socket);
    socket.onClose = () => this.staff.delete(socket);
    socket.onMessage = (text) => {
      const said = JSON.parse(text) as Record<string, unknown>;
      this.staffSaid.push(said);
      this.onStaff(said);
    };
    for (const message of this.staffGreeting) socket.send(JSON.stringify(message));
  }

  #content(path: string): [string, string | Buffer] | undefined {
    const made = PAGES[path];
    if (made !== undefined) return ["text/html; charset=utf-8", made];
    if (path === "/hostile.css") return ["text/css", HOSTILE];
    if (path === "/queue.js")
      return [
        "text/javascript",
        `window.BridgeBot=[["on","ready",()=>{window.wasReady=true}],["identify",{name:"Zoë Test"}],["open"]]`,
      ];
    if (path === "/demo.json") {
      return [
        "application/json",
        JSON.stringify({ oscar: "127.0.0.1:5190", irc: "127.0.0.1:6667", ws: "127.0.0.1:8067" }),
      ];
    }
    const name = { "/": "demo.html", "/staff": "staff.html" }[path] ?? path.split("/").at(-1) ?? "";
    if (!/^[\w.-]+$/.test(name)) return undefined;
    try {
      return [TYPES[name.split(".").at(-1) ?? ""] ?? "", readFileSync(join(DIST, name))];
    } catch {
      return undefined;
    }
  }
}
