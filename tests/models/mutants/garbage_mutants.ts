/** Faults in garbage collection. */
import type { Caches, Controller, Write } from "../../../machines/controllers/controller.ts";
import { garbageCollector } from "../../../machines/controllers/garbage_collector/garbage_collector.ts";
import { garbageSituations } from "../../../machines/models/controller_models.ts";
import { garbageSystem } from "../../../machines/models/garbage_system.ts";
import type { Mutant } from "./mutant.ts";
import { isOf, writing } from "./plan_changes.ts";

const garbage = (fault: string, situation: string, change: (controller: Controller) => Controller): Mutant => ({
  fault: `garbage collector: ${fault}`,
  model: `garbage/${situation}`,
  system: () =>
    garbageSystem({ ...garbageSituations[situation]!, collector: (table) => change(garbageCollector(table)) }),
});

export const garbageMutants: readonly Mutant[] = [
  garbage(
    "believes its cache about owners that are gone",
    "family",
    (controller) => writing(controller, ({ absent: _, ...write }) => [write as Write]),
  ),
  garbage("deletes a dependent whatever it has become", "adopted", (controller) =>
    writing(controller, (write) => {
      if (write.type !== "delete") return [write];
      const { resourceVersion: _, ...rest } = write;
      return [rest];
    })),
  garbage("does not tell an owner that it was forgotten", "shared", (controller) => ({
    ...controller,
    watches: controller.watches.map((watch) => ({
      ...watch,
      keys: (object, _, caches) => watch.keys(object, undefined, caches),
    })),
  })),
  garbage(
    "lets orphans go before they have forgotten their owner",
    "orphan",
    (controller) => writing(controller, (write) => isOf(write, "configmaps", "patch") ? [] : [write]),
  ),
  garbage(
    "orphans what it should delete",
    "background",
    (controller) =>
      writing(controller, (write) => write.type === "delete" ? [{ ...write, propagation: "Orphan" }] : [write]),
  ),
  garbage("lets an owner go before its dependents", "foreground", (controller) => ({
    ...controller,
    plan(key, caches, context) {
      const blind: Caches = {
        of: ((resource: never) => ({ ...caches.of(resource), ownedBy: () => [] })) as Caches["of"],
      };
      return controller.plan(key, blind, context);
    },
  })),
  garbage(
    "deletes nothing",
    "background",
    (controller) => writing(controller, (write) => write.type === "delete" ? [] : [write]),
  ),
];
