import type { Clock } from "../../ports/clock.ts";

/** Lets whatever else waits go first: long work is done in pieces with this in between. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}
