/** How a command that runs until it is stopped hears of it. */

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP (a terminal that was closed is no reason to leave a store half
 * written); each one after that calls `again`.
 */
export function untilSignalled(again: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const heard = () => {
    if (asked) return again();
    asked = true;
    resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, heard);
  return promise;
}

/** For a process below another: a terminal's Ctrl-C goes to all, but who started us says when our turn has come. */
export function untilTerminated(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGHUP"] as const) Deno.addSignalListener(signal, () => {});
  Deno.addSignalListener("SIGTERM", resolve);
  return promise;
}

/** Resolves when our standard input ends: whoever started us has gone. */
export async function untilInputEnds(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
}
