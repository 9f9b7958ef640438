/** Finds what may be clicked in a text: `http:` and `https:` addresses, nothing else. */

export type Piece = { readonly text: string; readonly href?: string };

export function withLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    const address = trimmed(match[0]);
    const href = url(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Without what belongs to the sentence: stops, and a bracket that was opened outside. */
function trimmed(address: string): string {
  for (;;) {
    const last = address.at(-1) ?? "";
    const open = { ")": "(", "]": "[" }[last];
    const unpaired = open !== undefined && address.split(last).length > address.split(open).length;
    if (!unpaired && !/[.,;:!?'*_~]/.test(last)) return address;
    address = address.slice(0, -1);
  }
}

function url(address: string): string | undefined {
  try {
    const { protocol, href } = new URL(address);
    return protocol === "https:" || protocol === "http:" ? href : undefined;
  } catch {
    return undefined;
  }
}
