/** How wide text comes out, without a browser: charts are laid out where there is none. */

export const nameSize = 13;
export const labelSize = 11;
export const lineHeight = 15;

/** Names stand in a bold sans-serif; the widest common ones set the table, so that a name never leaves its box. */
const narrow = new Set("fijlrtI.,:;|!'()[] ");
const wide = new Set("mwMWQO@%");

export function nameWidth(text: string): number {
  let em = 0;
  for (const letter of text) {
    em += narrow.has(letter) ? 0.42 : wide.has(letter) ? 0.98 : /[A-Z]/.test(letter) ? 0.78 : 0.68;
  }
  return Math.ceil(em * nameSize);
}

/** Labels stand in a fixed-width face, 0.6 em wide in every common one. */
export function labelWidth(text: string): number {
  return Math.ceil([...text].length * labelSize * 0.605);
}

/** Cuts what is longer, with an ellipsis. */
export function cut(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}
