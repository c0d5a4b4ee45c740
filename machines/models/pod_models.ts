/** The pod, its containers and its kubelet, in the situations that matter. */
import type { NamedModel } from "./model.ts";
import { podSystem, type PodSystemOptions } from "./pod_system.ts";

type Row = readonly [name: string, about: string, size: NamedModel["size"], options: PodSystemOptions];

const init = { name: "init", sidecar: false };
const side = { name: "side", sidecar: true };

const rows: readonly Row[] = [
  ["failures", "the runtime, the volumes or the API fail once, with or without having done it", "small", {
    budgets: { failures: 1 },
  }],
  ["crash", "the kubelet dies at any moment and adopts what it finds", "small", { crashes: 1 }],
  ["never", "restartPolicy Never, a failure", "small", { restartPolicy: "Never", budgets: { failures: 1 } }],
  ["on-failure", "restartPolicy OnFailure, two exits and a crash of the kubelet", "small", {
    restartPolicy: "OnFailure",
    crashes: 1,
    budgets: { exits: 2 },
  }],
  ["sandbox", "the sandbox dies: everything begins again, init containers too", "small", {
    inits: [init],
    budgets: { sandboxDeaths: 1 },
  }],
  ["inits", "an init container, a sidecar and an app, and a crash of the kubelet", "small", {
    inits: [init, side],
    restartPolicy: "Never",
    crashes: 1,
  }],
  ["never-sandbox", "restartPolicy Never, the sandbox dies", "small", {
    restartPolicy: "Never",
    budgets: { sandboxDeaths: 1 },
  }],
  ["shorter", "is deleted with a shorter grace than its own", "small", { graces: [1_000] }],
  ["graces-failure", "is deleted at once, and something fails twice", "small", {
    graces: [0],
    budgets: { failures: 2, exits: 0 },
  }],
  ["inits-again", "an init container, and the kubelet dies", "small", {
    inits: [init],
    restartPolicy: "Never",
    crashes: 1,
    budgets: { deletions: 0 },
  }],
  ["init-fails", "restartPolicy Never, two exits", "small", {
    inits: [init],
    restartPolicy: "Never",
    budgets: { exits: 2, deletions: 0 },
  }],
  ["deadline", "activeDeadlineSeconds", "small", { deadlineMs: 1_000, restartPolicy: "Never" }],
  ["graces", "is deleted twice, the second time at once, with a preStop hook", "small", {
    graces: [2_000, 0],
    budgets: { deletions: 2 },
    container: { preStop: true },
  }],
  ["probes", "startup and readiness probes, and a crash of the kubelet", "small", {
    container: { readinessProbe: true, startupProbe: true },
    crashes: 1,
    budgets: { probes: 2 },
  }],
  ["forced", "the object is forced away, and the kubelet dies", "small", { budgets: { removals: 1 }, crashes: 1 }],
  ["never-crash", "restartPolicy Never, a failure and a crash of the kubelet", "large", {
    restartPolicy: "Never",
    crashes: 1,
    budgets: { failures: 1 },
    states: 2_000_000,
  }],
  ["sidecar-failures", "a sidecar, two exits and a failure", "large", {
    inits: [side],
    restartPolicy: "Never",
    budgets: { failures: 1, exits: 2 },
    states: 4_000_000,
  }],
  ["two-apps", "two app containers and a crash of the kubelet", "large", {
    apps: ["app", "two"],
    crashes: 1,
    states: 4_000_000,
  }],
  ["sandbox-crash", "the sandbox dies and the kubelet too", "large", {
    inits: [init],
    restartPolicy: "Never",
    crashes: 1,
    budgets: { sandboxDeaths: 1 },
    states: 4_000_000,
  }],
];

/** By name, for those who check other charts in the same situations. */
export const podSituations: Readonly<Record<string, PodSystemOptions>> = Object.fromEntries(
  rows.map(([name, , , options]) => [name, options]),
);

export const podModels: readonly NamedModel[] = rows.map(([name, about, size, options]) => ({
  name: `pod/${name}`,
  about,
  size,
  system: () => podSystem(options),
}));
