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
  ["images", "images are absent and pulls fail; IfNotPresent", "small", { world: { images: true } }],
  ["images-always", "pull policy Always", "small", {
    world: { images: true },
    container: { pullPolicy: "Always" },
    budgets: { exits: 0 },
  }],
  ["images-never", "pull policy Never", "small", {
    world: { images: true },
    container: { pullPolicy: "Never" },
    budgets: { exits: 0 },
  }],
  ["hooks", "postStart and preStop hooks that may fail, and a shorter grace", "small", {
    container: { postStart: true, preStop: true },
    graces: [2_000, 1_000],
    budgets: { deletions: 2, exits: 0, failures: 0 },
  }],
  ["hook-failures", "a preStop hook that uses up the grace, and a signal that cannot be sent", "small", {
    container: { preStop: true },
    budgets: { failures: 1, exits: 0 },
  }],
  ["flapping", "a readiness probe that passes, fails and passes again", "small", {
    container: { readinessProbe: true },
    budgets: { probes: 3, exits: 0, deletions: 0 },
  }],
  ["liveness", "the liveness probe fails under Always", "small", {
    world: { liveness: true, stableRuns: true },
    budgets: { probes: 2, exits: 0 },
  }],
  ["liveness-never", "the liveness probe fails under Never, a deletion comes meanwhile", "small", {
    world: { liveness: true },
    restartPolicy: "Never",
    budgets: { probes: 1 },
  }],
  ["changed", "its definition changes, and the sandbox dies", "small", {
    budgets: { changes: 1, sandboxDeaths: 1, deletions: 0, exits: 1 },
  }],
  ["address", "a container that needs the pod's address, two exits and a crash of the kubelet", "small", {
    container: { needsAddress: true },
    crashes: 1,
    budgets: { exits: 2, deletions: 0 },
  }],
  ["expires-with-sidecar", "activeDeadlineSeconds of a pod with a sidecar", "small", {
    inits: [side],
    deadlineMs: 1_000,
    restartPolicy: "Never",
    budgets: { exits: 0, deletions: 0 },
  }],
  ["crash-failure", "the kubelet dies, and what it adopts cannot be made sure of", "small", {
    crashes: 1,
    budgets: { failures: 1, exits: 0 },
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
