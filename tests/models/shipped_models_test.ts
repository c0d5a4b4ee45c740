/**
 * Every model of what ships: the small ones always, the large ones with CHARTROOM_CHECK=all. What they walk through of
 * the shipped charts is added up; what they leave out is named, with why.
 */
import { assertEquals } from "@std/assert";
import type { MachineCoverage } from "../../machines/check/machine_coverage.ts";
import { allModels } from "../../machines/models/all_models.ts";
import { machines } from "../../commands/machine_table.ts";
import { checkModel } from "../../machines/models/model.ts";
import { alone, uncovered } from "./uncovered.ts";

const isAll = Deno.env.get("CHARTROOM_CHECK") === "all";

/** Of the small models. */
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
      if (size === "large") return;
      for (const coverage of check.coverage) {
        const known = walked.get(coverage.machine.id);
        if (known === undefined) walked.set(coverage.machine.id, coverage);
        else known.add(coverage);
      }
    },
  });
}

Deno.test("the small models take every edge of the charts in them, but those that are named with why", () => {
  const left = [...walked].flatMap(([id, coverage]) => [
    ...coverage.unreachedEdges().map((edge) => `${id}: ${edge}`),
    ...coverage.untriedGuards().map((guard) => `${id}: guard ${guard}`),
  ]);
  assertEquals(left.toSorted(), Object.values(uncovered).flat().toSorted());
});

Deno.test("charts that no model has in it are named with why", () => {
  const left = Object.keys(machines).filter((id) => !walked.has(id));
  assertEquals(left.toSorted(), Object.keys(alone).toSorted());
});
