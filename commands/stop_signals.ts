/** How a command that runs until it is stopped hears of it. */

/** Resolves at the first SIGINT or SIGTERM; each one after that calls `again`. */
export function untilSignalled(again: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const heard = () => {
    if (asked) return again();
    asked = true;
    resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, heard);
  // A terminal that was closed is no reason to leave a store half written.
  Deno.addSignalListener("SIGHUP", heard);
  return promise;
}

/** Resolves when our standard input ends: whoever started us has gone. */
export async function untilInputEnds(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
}
