/** What a container's chart says of it, in Kubernetes' words. */
import type { AnyMachineSnapshot } from "xstate";

export interface ContainerSnapshot {
  readonly kind: "waiting" | "running" | "terminated";
  /** Of `waiting`: a fixed one, or "trouble": the one in the record. */
  readonly reason?: "ContainerCreating" | "PodInitializing" | "ImagePullBackOff" | "CrashLoopBackOff" | "trouble";
  readonly ready: boolean;
  /** Its startup probe has passed, or there is none. */
  readonly started: boolean;
}

/** In order: the first state that is active. */
const table: readonly (readonly [path: string, Omit<ContainerSnapshot, "ready" | "started">])[] = [
  ["preparing.image.failed", { kind: "waiting", reason: "trouble" }],
  ["preparing.image.backOff", { kind: "waiting", reason: "ImagePullBackOff" }],
  ["preparing.createBackOff", { kind: "waiting", reason: "trouble" }],
  ["crashBackOff", { kind: "waiting", reason: "CrashLoopBackOff" }],
  ["running", { kind: "running" }],
  ["stopping", { kind: "running" }],
  ["completed", { kind: "terminated" }],
  ["failed", { kind: "terminated" }],
  ["stopped", { kind: "terminated" }],
];

export function containerSnapshot(snapshot: AnyMachineSnapshot): ContainerSnapshot {
  const path = pathOf(snapshot.value);
  const found = table.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`));
  const ready = (snapshot.context as { ready: boolean }).ready;
  const started = path.startsWith("running.up") || path.startsWith("stopping");
  return { ...(found?.[1] ?? { kind: "waiting", reason: "ContainerCreating" }), ready, started };
}

/** `running.up.ready`; for charts without parallel parts. */
export function pathOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, below] = ["", ""]] = Object.entries(value as object);
  return below === "" ? name : `${name}.${pathOf(below)}`;
}
