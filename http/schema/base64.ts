/** Standard base64 as Go's decoder takes it, with its error text. */

const valid = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @returns undefined for what Go decodes; line breaks are passed over. */
export function base64Error(text: string): string | undefined {
  if (valid.test(text)) return undefined;
  return explain(text);
}

/** Where Go's decoder stops: it reads groups of four and names the byte that does not fit. */
function explain(text: string): string | undefined {
  let inGroup = 0;
  let at = 0;
  const illegal = (position: number) => `illegal base64 data at input byte ${position}`;
  for (; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === "\n" || char === "\r") continue;
    if (/[A-Za-z0-9+/]/.test(char)) {
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (char !== "=" || inGroup < 2) return illegal(at);
    const rest = [...text.slice(at + 1)].map((c, i) => ({ c, i: at + 1 + i })).filter(({ c }) => !/[\r\n]/.test(c));
    if (inGroup === 3) return rest[0] === undefined ? undefined : illegal(rest[0].i);
    if (rest[0] === undefined) return illegal(text.length);
    if (rest[0].c !== "=") return illegal(rest[0].i - 1);
    return rest[1] === undefined ? undefined : illegal(rest[1].i);
  }
  return inGroup === 0 ? undefined : illegal(at - inGroup);
}
