/** What comes true by itself, and what neither a watch nor `kubectl wait` tells of. */
export interface Patience {
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/**
 * The first value of `attempt` that does not throw.
 * @throws Error with the last attempt's reason when none succeeded in time.
 */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T> | T,
  { withinMs = 20_000, everyMs = 100 }: Patience = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) {
        throw new Error(`Expected that ${what} within ${withinMs} ms: ${(error as Error).message}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
