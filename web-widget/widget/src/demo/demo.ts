/** The demo's page: fills in where other programs can sign on. The widget comes by its own script, as on any site. */

type Addresses = Readonly<Record<string, unknown>>;

async function fill(): Promise<void> {
  const answer = await fetch("/demo.json");
  if (!answer.ok) return;
  const addresses = (await answer.json()) as Addresses;
  for (const name of ["oscar", "irc"]) {
    const address = addresses[name];
    if (typeof address !== "string") continue;
    const [, host = address, port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
    for (const node of document.querySelectorAll<HTMLElement>(`[data-address="${name}"]`)) {
      node.textContent =
        node.dataset["part"] === "host" ? host : node.dataset["part"] === "port" ? port : address;
    }
  }
  document.body.dataset["addresses"] = "known";
}

// Without the addresses the lines that name them stay hidden; the page works all the same.
fill().catch(() => {});
