/** What a pod knows of its containers, and what follows from it. Plain functions that the pod's chart asks. */

/** `idle`: not asked yet; `asked`; `up`: started up; `completed`, `failed`: for good; `stopped`: by us. */
export type Standing = "idle" | "asked" | "up" | "completed" | "failed" | "stopped";

export interface InitContainer {
  readonly name: string;
  /** A restartable init container: runs beside those that follow. */
  readonly sidecar: boolean;
}

export interface Members {
  readonly inits: readonly InitContainer[];
  readonly apps: readonly string[];
  readonly standing: Readonly<Record<string, Standing>>;
}

const standingOf = ({ standing }: Members, name: string): Standing => standing[name] ?? "idle";

/** The init container whose turn it is: the first that is not done. */
export function currentInit(members: Members): InitContainer | undefined {
  return members.inits.find(({ name, sidecar }) => {
    const at = standingOf(members, name);
    return sidecar ? at === "idle" || at === "asked" || at === "stopped" : at !== "completed";
  });
}

export function initFailed(members: Members): boolean {
  const current = currentInit(members);
  return current !== undefined && standingOf(members, current.name) === "failed";
}

const over = (at: Standing) => at === "completed" || at === "failed";

export function appsAreOver(members: Members): boolean {
  return members.apps.every((name) => over(standingOf(members, name)));
}

/** Those that may still run and are no sidecars. */
export function mainContainers(members: Members): string[] {
  const names = [...members.inits.filter(({ sidecar }) => !sidecar).map(({ name }) => name), ...members.apps];
  return names.filter((name) => isLeft(members, name));
}

/** Sidecars end after the main containers, the last one first. */
export function lastSidecar(members: Members): string | undefined {
  return members.inits.findLast(({ name, sidecar }) => sidecar && isLeft(members, name))?.name;
}

function isLeft(members: Members, name: string): boolean {
  const at = standingOf(members, name);
  return at !== "stopped" && !over(at);
}

/** After the sandbox was made anew: what has not ended for good begins again, init containers all of them. */
export function beginAgain(members: Members): Record<string, Standing> {
  const inits = new Set(members.inits.map(({ name }) => name));
  const kept = Object.entries(members.standing).map(([name, at]): [string, Standing] => [
    name,
    over(at) && !inits.has(name) ? at : "idle",
  ]);
  return Object.fromEntries(kept);
}

/** Completed init containers are to run again: they are stopped with the others, so that they hear of it. */
export function forgetCompletedInits(members: Members): Record<string, Standing> {
  const inits = new Set(members.inits.map(({ name }) => name));
  const standing = Object.entries(members.standing).map(([name, at]): [string, Standing] => [
    name,
    at === "completed" && inits.has(name) ? "asked" : at,
  ]);
  return Object.fromEntries(standing);
}
