/**
 * Every model of what ships: the small ones always, the large ones with CHARTROOM_CHECK=all. What they walk through of
 * the shipped charts is added up; what they leave out is named, with why.
 */
import { assertEquals } from "@std/assert";
import type { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { allModels } from "../../machines/models/all_models.ts";
import { checkModel } from "../../machines/models/model.ts";

const isAll = Deno.env.get("CHARTROOM_CHECK") === "all";

/** Of the small models of the pod and the scheduler. */
const walked = new Map<string, MachineCoverage>();

for (const model of allModels) {
  const { name, about, size } = model;
  Deno.test({
    name: `${name} holds: ${about}`,
    ignore: size === "large" && !isAll,
    fn() {
      const check = checkModel(model);
      const story = check.violations.map(({ rule, story }) => `${rule}\n${story}`).join("\n");
      assertEquals([check.verdict, check.unchecked], ["complete", []], check.reason ?? story);
      if (size === "large" || !/^(pod|scheduler)\//.test(name)) return;
      for (const coverage of check.coverage) {
        const known = walked.get(coverage.machine.id);
        if (known === undefined) walked.set(coverage.machine.id, coverage);
        else known.add(coverage);
      }
    },
  });
}

/** Edges that no model of a whole system takes. Each is taken where its machine is explored alone. */
const except: Readonly<Record<string, string>> = {
  "pod: active.recreating --sandbox.died--> (stays)": "the runtime tells the death of a sandbox once",
  "pod: active.recreating.stopping.choosing --always [mainAreOver]--> active.recreating.stopping.sidecars":
    "takes a sandbox that dies when only sidecars are left: a second death or exit, too many states for a small model",
  "pod: expiring.choosing --always [mainAreOver]--> expiring.sidecars":
    "takes a deadline that passes when only sidecars are left",
  "pod: terminating.deleteBackOff --pod.objectRemoved--> gone":
    "takes a failed deletion and one by force: three budgets, too many states for a small model",
  "container: preparing.unwanted --container.startAsked--> (stays)":
    "the pod asks nobody to start whom it has asked to stop; the chart is safe without that",
  "container: stopping --container.startAsked--> (stays)":
    "likewise: a pod that was adopted asks while a probe ends it",
  "scheduling: unschedulable --after flushInterval--> queued":
    "left out on purpose: nothing may depend on the look that comes every five minutes",
};

Deno.test("the models take every edge of the pod, its containers and scheduling, but those that are named here", () => {
  const left = [...walked].flatMap(([id, coverage]) => [
    ...coverage.unreachedEdges().map((edge) => `${id}: ${edge}`),
    ...coverage.untriedGuards().map((guard) => `${id}: guard ${guard}`),
  ]);
  assertEquals(left.toSorted(), Object.keys(except).toSorted());
});
