/** The scheduler in the situations that matter. */
import type { NamedModel } from "./model.ts";
import { schedulerSystem, type SchedulerSystemOptions } from "./scheduler_system.ts";

const [a, b] = [{ name: "a" }, { name: "b" }];
const low = { name: "low" };
const high = { name: "high", priority: 10 };

const rows: readonly (readonly [string, string, NamedModel["size"], SchedulerSystemOptions])[] = [
  ["two", "two pods, two nodes, a binding that fails or is not heard of", "small", {
    pods: [a, b],
    nodes: [1, 1],
    budgets: { failures: 1 },
  }],
  ["one-place", "two pods for one place, a binding that fails, a pod that is deleted", "small", {
    pods: [a, b],
    nodes: [1],
    budgets: { failures: 1, deletions: 1 },
  }],
  [
    "preemption",
    "a pod of high priority takes the place of a low one; one of them is deleted, a binding fails",
    "small",
    {
      pods: [low, high],
      nodes: [1],
      budgets: { failures: 1, deletions: 1 },
    },
  ],
  ["gated", "a pod with a scheduling gate", "small", { pods: [{ name: "a", gated: true }, b], nodes: [1, 1] }],
  ["preemption-two", "two low ones and two nodes", "small", { pods: [low, { name: "low2" }, high], nodes: [1, 1] }],
  ["preemption-large", "a pod that needs the room of two, and is deleted", "large", {
    pods: [a, b, { name: "high", priority: 10, cpu: 2 }],
    nodes: [2],
    budgets: { deletions: 1 },
  }],
];

/** By name, for those who check other charts in the same situations. */
export const schedulerSituations: Readonly<Record<string, SchedulerSystemOptions>> = Object.fromEntries(
  rows.map(([name, , , options]) => [name, options]),
);

export const schedulerModels: readonly NamedModel[] = rows.map(([name, about, size, options]) => ({
  name: `scheduler/${name}`,
  about,
  size,
  system: () => schedulerSystem(options),
}));
