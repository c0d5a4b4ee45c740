import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { leaderElectionMachine } from "../../machines/leader_election/leader_election_machine.ts";

Deno.test("leaderElectionMachine leads only between taking the lease and its renewal deadline", () => {
  const found = exploreMachine(leaderElectionMachine, {
    input: { component: "kube-scheduler" },
    facts: {
      "lease.read": [
        { holder: "none", token: "" },
        { holder: "self", token: "a" },
        { holder: "other", token: "a" },
        { holder: "other", token: "b" },
      ],
    },
    events: [{ type: "candidate.withdrawn" }],
    always: {
      "renewing happens only while it leads": ({ snapshot, outstanding }) =>
        !outstanding.some(({ type }) => type === "renewLease") || snapshot.matches("leading"),
      "whoever leads has a deadline": ({ snapshot, timers }) =>
        !snapshot.matches("leading") || timers.some(({ id }) => id.includes("renewDeadline")),
    },
    sometimes: {
      "it leads": ({ snapshot }) => snapshot.matches("leading"),
      "it follows again after it led": ({ snapshot }) => snapshot.matches("following"),
    },
    eachStep: {
      "leading is announced and ended in turn": ({ before, after }) => {
        const led = before.snapshot?.matches("leading") ?? false;
        const leads = after.snapshot.matches("leading");
        const orders = after.orders.map(({ type }) => type);
        return orders.includes("startLeading") === (!led && leads) &&
          orders.includes("stopLeading") === (led && !leads);
      },
    },
  });
  assertEquals(found.problems, []);
});
