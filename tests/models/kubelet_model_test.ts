import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { type KubeletEvent, kubeletMachine } from "../../machines/kubelet/kubelet_machine.ts";
import { type StatusEvent, statusMachine } from "../../machines/kubelet/status_machine.ts";
import { leaseMachine } from "../../machines/node/lease_machine.ts";
import { nodeMachine } from "../../machines/node/node_machine.ts";
import { type RefreshEvent, refreshMachine } from "../../machines/volumes/refresh_machine.ts";

Deno.test("kubeletMachine takes on no pod before it knows what runs and what is wanted", () => {
  const found = exploreMachine(kubeletMachine, {
    events: (): KubeletEvent[] => [{ type: "pods.synced" }, { type: "pods.changed" }, {
      type: "runtime.lost",
      message: "closed",
    }],
    eachStep: {
      "both are known": ({ after }) =>
        !after.orders.some(({ type }) => type === "takeOnPods" || type === "sweepOrphans") ||
        after.snapshot.matches({ pods: "synced", work: "serving" }),
    },
  });
  assertEquals(found.problems, []);
});

Deno.test("statusMachine writes the latest status in the end, one write at a time", () => {
  const found = exploreMachine(statusMachine, {
    events: (): StatusEvent[] => [{ type: "pod.moved" }],
    terminal: ["settled"],
    always: {
      "one write at a time": (at) => at.outstanding.length <= 1,
      "a stale write is followed by another": (at) =>
        !at.snapshot.matches({ writing: "stale" }) || at.outstanding.length === 1,
    },
  });
  assertEquals(found.problems, []);
});

Deno.test("nodeMachine and leaseMachine always try again", () => {
  const events = () => [{ type: "node.changed" } as const];
  assertEquals(exploreMachine(nodeMachine, { events }).problems, []);
  assertEquals(exploreMachine(leaseMachine).problems, []);
});

Deno.test("refreshMachine loses no change", () => {
  const found = exploreMachine(refreshMachine, {
    events: (): RefreshEvent[] => [{ type: "sources.changed" }],
    always: { "one refresh at a time": (at) => at.outstanding.length <= 1 },
  });
  assertEquals(found.problems, []);
});
