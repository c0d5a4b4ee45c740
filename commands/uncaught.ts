/**
 * A bug outside any actor, in a callback or a promise nobody waits for, must not end a cluster with all that runs in
 * it: it is reported, loudly, and everything else goes on. Actors that throw are the actor system's to look after.
 */
export function reportUncaught(report: (problem: string) => void): void {
  const say = (what: string, error: unknown) =>
    report(
      `A bug, please report it: ${what}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`,
    );
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    say("unhandled rejection", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    say("uncaught error", event.error);
  });
}
