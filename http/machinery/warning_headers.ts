/** Warnings as headers: `299 - "text"` (Kubernetes docs, "Warning: Helpful Warnings Ahead"). */
import { Buffer } from "node:buffer";

/** What one answer's warnings may say in all, and each of them when they say more (kube-apiserver's limits). */
const limits = { all: 4_096, each: 256 };

/** Undefined when there is nothing to warn of. */
export function warningHeaders(texts: readonly string[]): { readonly warning: string[] } | undefined {
  if (texts.length === 0) return undefined;
  const distinct = [...new Set(texts)];
  const tooLong = distinct.reduce((sum, text) => sum + text.length, 0) > limits.all;
  const warning: string[] = [];
  let length = 0;
  for (const text of distinct) {
    const said = tooLong ? text.slice(0, limits.each) : text;
    length += said.length;
    if (length > limits.all) break;
    warning.push(`299 - ${headerText(JSON.stringify(said.toWellFormed()))}`);
  }
  return { warning };
}

/** UTF-8 as a header carries it, a byte a character. Clients' own words are in it, so anything may be. */
function headerText(text: string): string {
  return Buffer.from(text).toString("latin1").replaceAll("\x7f", "\\u007f");
}
