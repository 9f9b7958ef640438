/** IRC's formatting codes taken out of a text. Source: modern.ircdocs.horse/formatting. */

export function withoutFormatting(text: string): string {
  return (
    text
      .replace(/\x03(?:\d{1,2}(?:,\d{1,2})?)?/g, "")
      .replace(/\x04(?:[0-9a-f]{6}(?:,[0-9a-f]{6})?)?/gi, "")
      // Every other control character but tab and end of line: they draw nothing good in a page either.
      .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "")
  );
}
