/** Every model of what ships: the small ones always, the large ones with CHARTROOM_CHECK=all. */
import { assertEquals } from "@std/assert";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem } from "../../machines/check/check_system.ts";
import { allModels } from "../../machines/models/all_models.ts";

const isAll = Deno.env.get("CHARTROOM_CHECK") === "all";

for (const { name, about, size, system } of allModels) {
  Deno.test({
    name: `${name} holds: ${about}`,
    ignore: size === "large" && !isAll,
    fn() {
      const check = checkSystem(system());
      assertEquals([check.verdict, check.unchecked], ["complete", []], describeCheck(check));
    },
  });
}
