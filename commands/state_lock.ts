/**
 * Who runs a cluster: the process that holds a lock on a file of its state directory. The kernel lets go of it when the
 * process ends, however it ends, so nobody has to guess from a process id whether it still lives.
 */
export interface StateLock {
  release(): void;
}

export type LockMode = "exclusive" | "shared";

/** Takes the lock, writing our process id into it; undefined when somebody holds it beyond a moment. */
export async function takeLock(path: string, mode: LockMode = "exclusive"): Promise<StateLock | undefined> {
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  // Somebody who only looks holds it for an instant.
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await file.tryLock(mode === "exclusive")) {
      if (mode === "exclusive") {
        await file.truncate(0);
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
      }
      return { release: () => file.close() };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  file.close();
  return undefined;
}

/** The process that holds the lock; undefined when nobody does. */
export async function lockHolder(path: string): Promise<number | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
  try {
    if (await file.tryLock(false)) return undefined;
    const text = new Uint8Array(32);
    const length = await file.read(text);
    return Number(new TextDecoder().decode(text.subarray(0, length ?? 0)).trim()) || 0;
  } finally {
    file.close();
  }
}

/** Resolves with the lock once nobody else holds it; undefined when that takes longer. */
export async function awaitLock(path: string, patienceMs: number): Promise<StateLock | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const lock = await takeLock(path);
    if (lock !== undefined || performance.now() > deadline) return lock;
  }
}
