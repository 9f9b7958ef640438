/** Names that an IRC daemon takes, made from names that people give. */

/** Daemons allow 9 (RFC 1459) to 30; 20 leaves room for what is put behind a taken one. */
const LONGEST = 20;

/** The name as a nick, or nothing where no letter of it can be in one. */
export function nickFrom(name: string): string | undefined {
  const nick = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/ß/g, "ss")
    .replace(/[^A-Za-z0-9_[\]\\`^{}|]+/g, "-")
    .replace(/^[-0-9]+|-+$/g, "")
    .slice(0, LONGEST)
    .replace(/-+$/, "");
  return /[A-Za-z]/.test(nick) ? nick : undefined;
}

export function guestNick(random: () => number): string {
  return `guest-${hex4(random)}`;
}

/** Another try where `nick` is taken. */
export function nickBeside(nick: string, random: () => number): string {
  return nick.startsWith("guest-")
    ? guestNick(random)
    : `${nick.replace(/-[0-9a-f]{4}$/, "")}-${hex4(random)}`;
}

function hex4(random: () => number): string {
  return Math.floor(random() * 0x10000)
    .toString(16)
    .padStart(4, "0");
}
