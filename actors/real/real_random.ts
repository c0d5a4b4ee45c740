import type { Random } from "../../ports/random.ts";

/** The operating system's randomness. */
export const realRandom: Random = {
  next: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
