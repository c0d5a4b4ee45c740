/** What is checked of a request before it goes anywhere, and what is drawn for it. */
import type { Random } from "../../ports/random.ts";
import { StorageError } from "../../ports/storage.ts";

/** The reading part of a watch. */
export function rangeOf({ end, startRevision }: { end?: string; startRevision?: number }) {
  return { ...(end === undefined ? {} : { end }), revision: startRevision ?? 0 };
}

/** 53 bits, not 0. */
export function drawLeaseId(random: Random): number {
  const bytes = random.bytes(7);
  let id = bytes[0]! & 0x1f;
  for (let i = 1; i < 7; i++) id = id * 256 + bytes[i]!;
  return Math.max(1, id);
}

/** @throws StorageError "invalid" */
export function requireWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new StorageError("invalid", `Cannot use ${name} ${value}: it must be a whole number from 1 to 2^53 - 1`);
}
