/** Whether the store answers what takes a majority of it: a master that is cut off from the others serves nobody. */
import type { Clock } from "../ports/clock.ts";
import type { Storage } from "../ports/storage.ts";

/** As long as a kube-apiserver waits for its etcd. */
const timeoutMs = 2_000;

/** Undefined: it does; else what is wrong. Who asks meanwhile gets the same answer. */
export function storeCheck(storage: Pick<Storage, "range">, clock: Clock): () => Promise<string | undefined> {
  let underWay: Promise<string | undefined> | undefined;
  return () => underWay ??= check(storage, clock).finally(() => underWay = undefined);
}

async function check(storage: Pick<Storage, "range">, clock: Clock): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const wake = clock.wakeAt(
    clock.now() + timeoutMs,
    () => resolve(`the store has not answered within ${timeoutMs / 1000} s: a majority of its members is needed`),
  );
  const answer = storage.range({ key: "/health", limit: 1 }).then(() => undefined, (error) => (error as Error).message);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    wake.cancel();
  }
}
