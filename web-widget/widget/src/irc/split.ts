/**
 * A visitor's text cut into pieces that each fit one PRIVMSG. Nothing visible is lost, and no cut falls inside what
 * a reader takes for one character (a grapheme) unless that alone is longer than a whole piece.
 */

/** The pieces of `text`, each at most `bytes` of UTF-8: one or more for each line of it that isn't empty. */
export function split(text: string, bytes: number): string[] {
  const limit = Math.max(bytes, 4);
  const pieces: string[] = [];
  for (const line of text.split(/\r\n|[\r\n]/)) {
    // A leading \x01 would make a CTCP request of it; NUL can't be said in IRC at all.
    const said = line.replace(/[\0\x01]/g, "").trimEnd();
    if (said.trim() !== "") splitLine(said, limit, pieces);
  }
  return pieces;
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function splitLine(line: string, limit: number, into: string[]): void {
  let piece = "";
  let used = 0;
  const push = (part: string, size: number): void => {
    if (used + size > limit) {
      const space = part.trim() === "" ? piece.length : piece.lastIndexOf(" ") + 1;
      // Between words where that leaves at least half of the piece full, else where it is full.
      const at = space > piece.length / 2 ? space : piece.length;
      const tail = piece.slice(at);
      into.push(piece.slice(0, at).trimEnd());
      piece = tail;
      used = byteLength(tail);
    }
    piece += part;
    used += size;
  };
  for (const grapheme of graphemes(line)) {
    const size = byteLength(grapheme);
    if (size <= limit) push(grapheme, size);
    else for (const point of grapheme) push(point, byteLength(point));
  }
  if (piece.trim() !== "") into.push(piece);
}

function graphemes(text: string): Iterable<string> {
  // Firefox has Intl.Segmenter since 125 only; code points are the next best.
  if (typeof Intl.Segmenter !== "function") return text;
  return Array.from(
    new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text),
    (s) => s.segment,
  );
}
