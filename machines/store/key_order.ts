/** Keys are ordered by their UTF-8 bytes. JavaScript orders strings by UTF-16 units, which differs above U+FFFF. */

/** Exclusive end of a range that has none (etcd's range end of one zero byte). */
export const noEnd = "\0";

/** Negative, zero or positive as `a` is before, equal to or after `b`. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Whether `key` lies in [start, end); without an end, whether it is `start`. */
export function inRange(key: string, start: string, end: string | undefined): boolean {
  if (end === undefined) return key === start;
  return compareKeys(key, start) >= 0 && (end === noEnd || compareKeys(key, end) < 0);
}
