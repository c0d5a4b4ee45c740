import { assert, assertEquals } from "@std/assert";
import { matchesState } from "xstate";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { type KubeletEvent, kubeletMachine } from "../../machines/kubelet/kubelet_machine.ts";
import { type StatusEvent, statusMachine } from "../../machines/kubelet/status_machine.ts";
import { leaseMachine } from "../../machines/node/lease_machine.ts";
import { nodeMachine } from "../../machines/node/node_machine.ts";
import { firstStep, step } from "../../machines/step.ts";
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

Deno.test("refreshMachine knows in every state that its sources may change", () => {
  const changed: RefreshEvent = { type: "sources.changed" };
  const settle = { type: "xstate.after.settleTime.volumeRefresh.settling" } as unknown as RefreshEvent;
  const failed: RefreshEvent = { type: "volumes.refreshFailed", reason: "Missing", message: "not there" };
  const ways: { state: string; way: RefreshEvent[] }[] = [
    { state: "fresh", way: [] },
    { state: "settling", way: [changed] },
    { state: "refreshing.current", way: [changed, settle] },
    { state: "refreshing.stale", way: [changed, settle, changed] },
    { state: "backOff", way: [changed, settle, failed] },
  ];
  for (const { state, way } of ways) {
    let { snapshot } = firstStep(refreshMachine, undefined);
    for (const event of way) snapshot = step(refreshMachine, snapshot, event).snapshot;
    assert(matchesState(state, snapshot.value), `${JSON.stringify(snapshot.value)} is not ${state}`);
    assert(step(refreshMachine, snapshot, changed).edges.length > 0, `a change is not handled in ${state}`);
  }
});

Deno.test("refreshMachine loses no change", () => {
  const found = exploreMachine(refreshMachine, {
    events: (): RefreshEvent[] => [{ type: "sources.changed" }],
    always: { "one refresh at a time": (at) => at.outstanding.length <= 1 },
  });
  assertEquals(found.problems, []);
});
