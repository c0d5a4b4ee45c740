/**
 * The items of a list as the bytes that are served, joined in pieces. Those of the last few large lists are kept: as long
 * as none of its objects changes, a list that is asked for again is not put together again.
 */
import type { Entry } from "./stored_object.ts";
import type { Resource } from "./types.ts";

/** A piece is about as large: so much is put together, and sent, in one turn of the event loop. */
export const pieceBytes = 512 * 1024;
/** Smaller lists are as quickly put together again. */
const keptFrom = 64 * 1024;
const keptLists = 4;
const keptBytes = 8 * 1024 * 1024;

interface Kept {
  readonly state: object;
  readonly resource: Resource;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
}

/** Oldest first. */
let kept: Kept[] = [];

/** The pieces of a list that was kept. `state`: see `ResourceCache.stateOf`. */
export function keptPieces(state: object | undefined, resource: Resource): readonly Uint8Array[] | undefined {
  return kept.find((list) => list.state === state && list.resource === resource)?.pieces;
}

/** Keeps a list's pieces, when they are not too large, in place of older ones. */
export function keepPieces(state: object | undefined, resource: Resource, pieces: readonly Uint8Array[]): void {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  if (state === undefined || bytes < keptFrom || bytes > keptBytes) return;
  kept.push({ state, resource, pieces, bytes });
  while (kept.length > keptLists || kept.reduce((sum, list) => sum + list.bytes, 0) > keptBytes) kept = kept.slice(1);
}

/** Items with commas between them; a comma comes first in every piece but the first. */
export function* joinedPieces(entries: readonly Entry[]): Generator<Uint8Array> {
  for (let start = 0; start < entries.length;) {
    let length = 0;
    let end = start;
    while (end < entries.length && length < pieceBytes) length += entries[end++]!.itemLength() + 1;
    const piece = new Uint8Array(start === 0 ? length - 1 : length);
    let at = 0;
    for (let index = start; index < end; index++) {
      if (index > 0) piece[at++] = 0x2c;
      at = entries[index]!.writeItem(piece, at);
    }
    yield piece;
    start = end;
  }
}
