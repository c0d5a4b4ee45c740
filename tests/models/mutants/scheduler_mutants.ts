/** Faults in scheduling: the chart of a waiting pod, and where pods are placed. */
import { setup } from "xstate";
import { schedulerSituations } from "../../../machines/models/scheduler_models.ts";
import { schedulerSystem, type SchedulerSystemOptions } from "../../../machines/models/scheduler_system.ts";
import { schedulePod } from "../../../machines/scheduler/schedule.ts";
import { schedulingMachine } from "../../../machines/scheduler/scheduling_machine.ts";
import { at, edited, type Mutant, type Node, without } from "./mutant.ts";

const scheduler = (fault: string, situation: string, options: Partial<SchedulerSystemOptions>): Mutant => ({
  fault: `scheduler: ${fault}`,
  model: `scheduler/${situation}`,
  system: () => schedulerSystem({ ...schedulerSituations[situation]!, ...options }),
});
/** The chart was made in one piece: its own options stand for the set-up. */
const scheduling = (fault: string, situation: string, change: (root: Node) => void) =>
  scheduler(fault, situation, {
    machine: edited(schedulingMachine, {
      createMachine: (config) => setup(schedulingMachine.implementations as never).createMachine(config),
    }, change),
  });

export const schedulerMutants: readonly Mutant[] = [
  scheduler("fills nodes beyond what they hold", "one-place", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      return found.fits ? found : { fits: true, node: cluster.nodes[0]!.name, seen: 0 };
    },
  }),
  scheduler("wakes nobody when room is made", "one-place", { wakes: () => false }),
  scheduler("ends pods of the same priority", "one-place", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      const [node] = cluster.nodes;
      const victims = [...node!.pods.values()].filter(({ key }) => key !== pod.key);
      if (found.fits || victims.length === 0) return found;
      return { ...found, nominated: node!.name, preemption: { node: node!.name, victims } };
    },
  }),
  scheduler("never makes room", "preemption", {
    place: (pod, cluster, start, draw) => {
      const found = schedulePod(pod, cluster, start, draw);
      if (found.fits) return found;
      const { preemption: _, nominated: __, ...rest } = found;
      return rest;
    },
  }),
  scheduling("does not try again after a binding that failed", "two", (root) => without(at(root, "backOff"), "after")),
  scheduling(
    "does not take down a change while it cools down",
    "one-place",
    (root) => without(at(root, "unschedulable.cooling"), "on"),
  ),
  scheduling(
    "does not hear of a change while it rests",
    "one-place",
    (root) => without(at(root, "unschedulable.resting"), "on"),
  ),
  scheduling("does not tell whom it needs to end", "preemption", (root) => {
    at(root, "queued").on["turn.refused"][0].actions.pop();
  }),
];
