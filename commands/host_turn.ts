/** What runs once per host, where several masters could: whoever holds the lock runs it; the kernel passes it on. */
import { takeLock } from "./state_lock.ts";

const everyMs = 100;

/** Resolves when it has been our turn and `stop` was called, or at once then. */
export function takeTurn(path: string, start: () => Promise<void>): { stop(): void } {
  let stopped = false;
  void (async () => {
    while (!stopped) {
      const lock = await takeLock(path);
      // Held until the process ends: two that listen at once would be worse than none for a moment.
      if (lock !== undefined) return stopped ? lock.release() : await start();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return { stop: () => void (stopped = true) };
}
