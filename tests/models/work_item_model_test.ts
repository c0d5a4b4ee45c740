import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { workItemMachine } from "../../machines/controllers/work_item_machine.ts";

Deno.test("workItemMachine, in every order of facts, reconciles one at a time and after every change", () => {
  const { problems } = exploreMachine(workItemMachine, {
    input: { key: "default/web" },
    facts: {
      "reconcile.done": [{ againAfterMs: 0, waitsFor: "" }, { againAfterMs: 5000, waitsFor: "pods to be ready" }],
    },
    events: [{ type: "object.changed" }],
    always: {
      "one reconciliation at a time": ({ outstanding }) => outstanding.length <= 1,
      "it ends only when nothing is under way": ({ snapshot, outstanding }) =>
        snapshot.status !== "done" || outstanding.length === 0,
    },
    eachStep: {
      "a change at rest starts a reconciliation": ({ before, choice, after }) =>
        choice.type !== "event" || before.outstanding.length > 0 ||
        after.orders.some(({ type }) => type === "reconcile"),
      "a change meanwhile is not forgotten": ({ before, choice, after }) =>
        !before.snapshot.matches({ reconciling: "overtaken" }) || choice.type !== "answer" ||
        after.orders.length > 0 || after.timers.length > 0,
    },
  });
  assertEquals(problems, []);
});
