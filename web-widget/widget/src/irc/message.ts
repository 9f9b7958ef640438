/**
 * One IRC line with IRCv3 tags: text to value and back. Knows no command. It never throws: what is no IRC line
 * parses to nothing, and what could end a line early is taken out when formatting.
 *
 * Source: RFC 1459 section 2.3.1, IRCv3 `message-tags`.
 */

export interface Message {
  readonly tags: ReadonlyMap<string, string>;
  /** `nick!user@host` or a server's name; empty where the line has none. */
  readonly source: string;
  /** Upper case. */
  readonly command: string;
  readonly params: readonly string[];
}

/** The gateway sends at most 4,096 bytes of tags and 510 of line; a server's own tags come on top. */
const LONGEST_LINE = 16_384;

export function parse(line: string): Message | undefined {
  if (line.length > LONGEST_LINE) return undefined;
  let rest = line.replace(/[\r\n]+$/, "");
  let tags: ReadonlyMap<string, string> = new Map();
  let source = "";
  if (rest.startsWith("@")) {
    const [word, after] = cut(rest.slice(1));
    tags = parseTags(word);
    rest = after;
  }
  if (rest.startsWith(":")) {
    [source, rest] = cut(rest.slice(1));
  }
  const params: string[] = [];
  while (rest !== "") {
    if (rest.startsWith(":") && params.length > 0) {
      params.push(rest.slice(1));
      break;
    }
    const [word, after] = cut(rest);
    params.push(word);
    rest = after;
  }
  const command = params.shift();
  if (!command || !/^[A-Za-z]+$|^\d{3}$/.test(command)) return undefined;
  return { tags, source, command: command.toUpperCase(), params };
}

/** The last parameter may hold spaces; a space, an end of line or a NUL anywhere else is taken out. */
export function format(
  command: string,
  params: readonly string[] = [],
  tags: Readonly<Record<string, string>> = {},
): string {
  const words = [command];
  params.forEach((param, at) => {
    const safe = param.replace(/[\r\n\0]/g, "");
    if (at < params.length - 1) words.push(safe.replace(/ /g, "").replace(/^:+/, "") || "*");
    else words.push(safe === "" || safe.startsWith(":") || safe.includes(" ") ? `:${safe}` : safe);
  });
  const tagged = Object.entries(tags).map(([key, value]) =>
    value === "" ? key : `${key}=${escapeTag(value)}`,
  );
  if (tagged.length > 0) words.unshift(`@${tagged.join(";")}`);
  return words.join(" ");
}

export function nickOf(source: string): string {
  return source.split("!", 1)[0] ?? "";
}

/** Whether two nicks are the same under RFC 1459's case mapping, where `{}|^` are the small letters of `[]\~`. */
export function sameNick(a: string, b: string): boolean {
  return fold(a) === fold(b);
}

function fold(nick: string): string {
  return nick.toLowerCase().replace(/[[\]\\~]/g, (c) => "{}|^"["[]\\~".indexOf(c)] ?? c);
}

function cut(text: string): [string, string] {
  const space = text.indexOf(" ");
  return space < 0 ? [text, ""] : [text.slice(0, space), text.slice(space).replace(/^ +/, "")];
}

function parseTags(word: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const tag of word.split(";")) {
    const equals = tag.indexOf("=");
    if (equals < 0) tags.set(tag, "");
    else tags.set(tag.slice(0, equals), unescapeTag(tag.slice(equals + 1)));
  }
  return tags;
}

const ESCAPES: Readonly<Record<string, string>> = { ";": ":", " ": "s", "\r": "r", "\n": "n", "\\": "\\" };

function escapeTag(value: string): string {
  return value.replace(/\0/g, "").replace(/[; \r\n\\]/g, (c) => `\\${ESCAPES[c]}`);
}

function unescapeTag(value: string): string {
  return value.replace(
    /\\(.?)/gs,
    (_, c: string) => Object.keys(ESCAPES).find((plain) => ESCAPES[plain] === c) ?? c,
  );
}
