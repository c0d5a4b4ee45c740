/** `chartroom check --workers N`: several models at a time, each in a worker. */
import { assert, assertEquals } from "@std/assert";
import { chooseModels } from "../../../commands/check.ts";
import { checkTogether } from "../../../commands/check_together.ts";
import { ClusterState } from "../../../commands/cluster_state.ts";
import { permissionFlags } from "../../../commands/permissions.ts";
import { checkModel, type ModelCheck } from "../../../machines/models/model.ts";

Deno.test("models that are checked together say what each says alone, in their order", async () => {
  const models = [...chooseModels("apiserver", false), ...chooseModels("cronjob", false)];
  const together = await Array.fromAsync(checkTogether(models, 2));
  assertEquals(together.map(({ model }) => model.name), models.map(({ name }) => name));
  for (const { model, found } of together) {
    const alone = checkModel(model);
    const numbers = ({ verdict, states, generated, depth }: ModelCheck) => [verdict, states, generated, depth];
    assertEquals(numbers(found), numbers(alone));
    assertEquals(found.coverage.map((each) => each.uncovered()), alone.coverage.map((each) => each.uncovered()));
  }
});

Deno.test("the role of chartroom check may do what its workers need", async () => {
  const flags = await permissionFlags("check", new ClusterState("none", "/nowhere"));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", ...flags, "main.ts", "check", "cronjob", "--workers", "2"],
    cwd: new URL("../../../", import.meta.url),
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success && /cronjob\/allow .* holds/.test(said), said);
});
