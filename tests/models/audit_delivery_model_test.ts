import { assertEquals } from "@std/assert";
import { auditDeliveryMachine } from "../../machines/audit/audit_delivery_machine.ts";
import { exploreMachine } from "../../machines/check/explore_machine.ts";

Deno.test("auditDeliveryMachine never forgets what waits, and gives up no batch that it may try again", () => {
  const found = exploreMachine(auditDeliveryMachine, {
    inputs: [0, 30_000].map((maxWaitMs) => ({ maxWaitMs, maxBatch: 2, attempts: 3, retryMs: 1_000 })),
    events: [{ type: "events.waiting" }, { type: "batch.full" }, { type: "flush.requested" }],
    facts: {
      "batch.sent": [{ left: 0 }, { left: 1 }, { left: 2 }],
      "batch.dropped": [{ left: 0 }, { left: 1 }, { left: 2 }],
    },
    terminal: ["idle"],
    always: {
      "a batch is on its way, or its time is set, or nothing waits": ({ snapshot, timers }) =>
        ["idle", "sending", "dropping"].includes(String(snapshot.value)) || timers.length === 1,
      "a batch is tried three times at most": ({ snapshot }) => snapshot.context.failures < 3,
      "what need not wait does not": ({ snapshot }) =>
        snapshot.context.maxWaitMs > 0 && !snapshot.context.isFlushing || !snapshot.matches("collecting"),
    },
  });
  assertEquals(found.problems, []);
});
