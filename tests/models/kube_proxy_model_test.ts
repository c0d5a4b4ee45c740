import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { kubeProxyMachine } from "../../machines/kube_proxy/kube_proxy_machine.ts";

Deno.test("kubeProxyMachine, in every order of facts, writes one thing at a time and nothing after the removal", () => {
  const writes = ["replaceRules", "writeChanges", "removeRules"];
  const { states, problems } = exploreMachine(kubeProxyMachine, {
    events: [{ type: "services.changed" }, { type: "proxy.removalAsked" }],
    always: {
      "one write at a time": ({ outstanding }) => outstanding.filter(({ type }) => writes.includes(type)).length <= 1,
      "nothing is under way when it is over": ({ snapshot, outstanding }) =>
        snapshot.status !== "done" || outstanding.length === 0,
    },
    eachStep: {
      "the first write makes the table anew": ({ before, after }) =>
        !(before.snapshot.matches("waitingForSync") && after.orders.some(({ type }) => type === "writeChanges")),
      "a change is never lost": ({ before, choice, after }) =>
        !(choice.type === "event" && choice.event.type === "services.changed" && before.snapshot.matches("settled")) ||
        after.snapshot.matches("coalescing"),
    },
    sometimes: { "it is removed": ({ snapshot }) => snapshot.status === "done" },
  });
  assertEquals(problems, []);
  assertEquals(states, 55);
});
