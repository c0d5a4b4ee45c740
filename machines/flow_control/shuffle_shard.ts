/** Deals each flow a hand of queues: two flows seldom have the whole hand in common, so one that floods fills its own. */

/** `size` distinct numbers below `queues`, the same for the same name. */
export function handOf(name: string, queues: number, size: number): number[] {
  let rest = hash(name);
  const hand: number[] = [];
  for (let dealt = 0; dealt < Math.min(size, queues); dealt++) {
    const left = queues - dealt;
    let card = rest % left;
    rest = Math.floor(rest / left);
    // The card counts those that are still there.
    for (const before of hand.toSorted((a, b) => a - b)) if (card >= before) card++;
    hand.push(card);
  }
  return hand;
}

/** 53 bits, of two runs of FNV-1a. */
function hash(text: string): number {
  let low = 0x811c9dc5, high = 0x01000193;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
