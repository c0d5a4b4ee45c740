import { assert, assertEquals } from "@std/assert";
import { stateName } from "../../../machines/check/explore_machine.ts";
import { type PodEvent, type PodInput, podMachine } from "../../../machines/pod/pod_machine.ts";
import { firstStep, type Order, step } from "../../../machines/step.ts";

const base: PodInput = {
  inits: [],
  apps: ["app"],
  restartPolicy: "Always",
  graceMs: 30_000,
  found: { sandbox: "none", initialized: false },
};
const made: PodEvent = { type: "sandbox.created" };
const wired: PodEvent = { type: "sandbox.started" };
const mounted: PodEvent = { type: "volumes.mounted" };
const fact = (type: "started" | "completed" | "failed" | "stopped", name: string): PodEvent => ({
  type: `container.${type}`,
  name,
});
const deletion = (graceMs: number): PodEvent => ({ type: "pod.deletionAsked", graceMs });
const ready = [made, mounted, wired];
const inits = [{ name: "one", sidecar: false }, { name: "side", sidecar: true }];

const cases: { name: string; input?: Partial<PodInput>; events: PodEvent[]; state: string; orders: string[] }[] = [
  {
    name: "prepares sandbox and volumes side by side",
    events: [],
    state:
      "active.preparing.sandbox.creating + active.preparing.volumes.mounting + active.preparing.containers.waiting",
    orders: ["superviseContainers", "mountVolumes", "createSandbox"],
  },
  {
    name: "has containers made while the sandbox starts",
    events: [mounted, made],
    state: "active.preparing.sandbox.starting + active.preparing.volumes.mounted + active.preparing.containers.made",
    orders: ["startSandbox", "prepareContainers app"],
  },
  {
    name: "starts its containers when it has its address",
    events: ready,
    state: "active.running",
    orders: ["forgetPreparation", "startContainers app"],
  },
  {
    name: "starts the first init container alone",
    input: { inits },
    events: ready,
    state: "active.initializing.waiting",
    orders: ["forgetPreparation", "startContainers one"],
  },
  {
    // It may have completed before a second request reaches it: it would run twice.
    name: "does not ask an init container that has started to start once more",
    input: { inits },
    events: [...ready, fact("started", "one")],
    state: "active.initializing.waiting",
    orders: [],
  },
  {
    name: "has completed init containers stopped, too, when the sandbox died, so that they run again in the next one",
    input: { inits: [inits[0]!] },
    events: [...ready, fact("completed", "one"), { type: "sandbox.died" }],
    state: "active.recreating.stopping.mains",
    orders: ["stopContainers one app"],
  },
  {
    name: "starts a sidecar after it",
    input: { inits },
    events: [...ready, fact("completed", "one")],
    state: "active.initializing.waiting",
    orders: ["startContainers side"],
  },
  {
    name: "starts the app when the sidecar has started",
    input: { inits },
    events: [...ready, fact("completed", "one"), fact("started", "side")],
    state: "active.running",
    orders: ["startContainers side app"],
  },
  {
    name: "ends when an init container fails for good",
    input: { inits, restartPolicy: "Never" },
    events: [...ready, fact("failed", "one")],
    state: "active.finishing.mains",
    orders: ["stopContainers app"],
  },
  {
    name: "stops sidecars when the app has ended",
    input: { inits },
    events: [...ready, fact("completed", "one"), fact("started", "side"), fact("completed", "app")],
    state: "active.finishing.sidecar",
    orders: ["stopContainers side"],
  },
  {
    name: "succeeds when the app completed",
    events: [...ready, fact("completed", "app")],
    state: "succeeded.releasing",
    orders: ["removeSandbox"],
  },
  {
    name: "fails when the app failed",
    events: [...ready, fact("failed", "app")],
    state: "failed.releasing",
    orders: ["removeSandbox"],
  },
  {
    name: "stops everything when it is deleted",
    events: [...ready, deletion(5_000)],
    state: "terminating.stopping.mains",
    orders: ["stopContainers app"],
  },
  {
    name: "hurries when its grace is shortened",
    events: [...ready, deletion(5_000), deletion(1_000)],
    state: "terminating.stopping.mains",
    orders: ["stopContainers app"],
  },
  {
    name: "never lengthens its grace",
    events: [...ready, deletion(5_000), deletion(9_000)],
    state: "terminating.stopping.mains",
    orders: [],
  },
  {
    name: "writes its last status before it is taken apart",
    events: [...ready, deletion(5_000), fact("stopped", "app")],
    state: "terminating.reporting",
    orders: ["reportStatus"],
  },
  {
    name: "tells nobody when its object is gone",
    events: [...ready, { type: "pod.objectRemoved" }, fact("stopped", "app")],
    state: "terminating.removing",
    orders: ["removeSandbox"],
  },
  {
    name: "stops everything when its sandbox died",
    events: [...ready, { type: "sandbox.died" }],
    state: "active.recreating.stopping.mains",
    orders: ["stopContainers app"],
  },
  {
    name: "begins again with a new sandbox",
    events: [...ready, { type: "sandbox.died" }, fact("stopped", "app"), { type: "sandbox.removed" }],
    state:
      "active.preparing.sandbox.creating + active.preparing.volumes.mounting + active.preparing.containers.waiting",
    orders: ["mountVolumes", "createSandbox"],
  },
  {
    name: "does not begin again under Never",
    input: { restartPolicy: "Never" },
    events: [...ready, { type: "sandbox.died" }, fact("stopped", "app"), { type: "sandbox.removed" }],
    state: "failed.releasing",
    orders: ["removeSandbox"],
  },
  {
    name: "stops everything when its deadline has passed",
    input: { deadlineMs: 1_000 },
    events: [...ready, { type: "deadline.passed" }],
    state: "expiring.mains",
    orders: ["explainEnd", "stopContainers app"],
  },
  {
    name: "does nothing more when it was refused",
    input: { found: { sandbox: "none", initialized: false, phase: "Failed" } },
    events: [],
    state: "failed.releasing",
    orders: ["superviseContainers", "removeSandbox"],
  },
];

const shown = ({ type, params }: Order): string => {
  const { names } = params as { names?: string[] };
  return names === undefined ? type : `${type} ${names.join(" ")}`;
};
for (const { name, input = {}, events, state, orders } of cases) {
  Deno.test(`podMachine ${name}`, () => {
    let last = firstStep(podMachine, { ...base, ...input });
    for (const event of events) {
      // A refused deletion is handled by doing nothing.
      assert(
        last.snapshot.can(event) || event.type === "pod.deletionAsked",
        `${event.type} means nothing in ${stateName(last.snapshot)}`,
      );
      last = step(podMachine, last.snapshot, event);
    }
    assertEquals([stateName(last.snapshot), last.orders.map(shown)], [state, orders]);
  });
}
