/**
 * What the actor system costs: 10,000 actors like pods start in under a second and stop in under a second; 5,000 timers
 * that come due at once and re-arm take under 50 ms.
 */
import { assign, setup } from "xstate";
import { actorKind, ActorSystem, address } from "../actors/system.ts";
import { ManualClock } from "../actors/simulated/manual_clock.ts";
import { effect } from "../machines/effect.ts";

type PodEvent =
  | { type: "image.pulled" }
  | { type: "container.started" }
  | { type: "container.exited"; exitCode: number }
  | { type: "probe.ran"; healthy: boolean }
  | { type: "pod.deletionRequested" };

const podLikeMachine = setup({
  types: {
    context: {} as { name: string; crashes: number },
    events: {} as PodEvent,
    input: {} as { name: string },
  },
  actions: {
    pullImage: effect<{ name: string }>({ answers: ["image.pulled"] }),
    startContainer: effect<{ name: string; attempt: number }>({ answers: ["container.started"] }),
    stopContainer: effect({ answers: ["container.exited"], cancels: ["pullImage", "startContainer"] }),
    probe: effect({ answers: ["probe.ran"] }),
    countCrash: assign({ crashes: ({ context }) => Math.min(6, context.crashes + 1) }),
  },
  guards: { isHealthy: (_, params: { healthy: boolean }) => params.healthy },
  delays: { backOff: ({ context }) => 10_000 * 2 ** context.crashes, period: 10_000, grace: 30_000 },
}).createMachine({
  id: "podLike",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, crashes: 0 }),
  initial: "pulling",
  on: { "pod.deletionRequested": ".stopping" },
  states: {
    pulling: {
      entry: { type: "pullImage", params: ({ context }) => ({ name: context.name }) },
      on: { "image.pulled": "starting" },
    },
    starting: {
      entry: { type: "startContainer", params: ({ context }) => ({ name: context.name, attempt: context.crashes }) },
      on: { "container.started": "running" },
    },
    running: {
      initial: "waiting",
      on: { "container.exited": { target: "crashBackOff", actions: "countCrash" } },
      states: {
        waiting: { after: { period: "probing" } },
        probing: {
          entry: { type: "probe", params: {} },
          on: {
            "probe.ran": [
              { guard: { type: "isHealthy", params: ({ event }) => ({ healthy: event.healthy }) }, target: "waiting" },
              { target: "#podLike.crashBackOff", actions: "countCrash" },
            ],
          },
        },
      },
    },
    crashBackOff: { after: { backOff: "starting" } },
    stopping: {
      entry: { type: "stopContainer", params: {} },
      on: { "container.exited": "gone" },
      after: { grace: "gone" },
    },
    gone: { type: "final" },
  },
});

const kind = actorKind("pod", podLikeMachine, {
  pullImage: (_) => ({ type: "image.pulled" }),
  startContainer: (_) => ({ type: "container.started" }),
  stopContainer: (_) => ({ type: "container.exited", exitCode: 0 }),
  probe: (_) => ({ type: "probe.ran", healthy: true }),
});

const tickMachine = setup({
  types: { context: {} as { ticks: number } },
  actions: { count: assign({ ticks: ({ context }) => (context.ticks + 1) % 100 }) },
  delays: { period: 1000 },
}).createMachine({
  id: "tick",
  options: { maxIterations: 100 },
  context: { ticks: 0 },
  initial: "waiting",
  states: { waiting: { after: { period: { target: "waiting", reenter: true, actions: "count" } } } },
});

const tickKind = actorKind("tick", tickMachine, {});

const pods = 10_000;
const ticks = 5_000;
/** The first rounds warm the compiler up; each figure is the best of the rest, since the machine is shared. */
const rounds = 5;
const best = new Map<string, number>();

function measure(what: string, body: () => void): void {
  const started = performance.now();
  body();
  const took = performance.now() - started;
  best.set(what, Math.min(best.get(what) ?? Infinity, took));
}

let bytesPerActor = 0;

/** Run with --v8-flags=--expose-gc, garbage does not count. */
function heapUsed(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().heapUsed;
}

for (let round = 0; round < rounds; round++) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const node = address({ node: "worker-0", kind: "kubelet" });
  system.spawn(tickKind, { address: node, input: undefined });
  const before = heapUsed();
  measure("start", () => {
    for (let index = 0; index < pods; index++) {
      const name = `web-${index}`;
      const at = address({ node: "worker-0", kind: "pod", namespace: "default", name, uid: `uid-${index}` });
      system.spawn(kind, { address: at, supervisor: node, input: { name } });
    }
    clock.run();
  });
  bytesPerActor = (heapUsed() - before) / pods;
  const running = [...system.addresses()].filter((at) =>
    JSON.stringify(system.get(at)!.getSnapshot().value).includes("waiting")
  );
  if (running.length !== pods + 1) throw new Error(`Cannot measure: ${running.length - 1} of ${pods} pods run`);
  measure("probe", () => clock.advance(10_000));
  measure("stop", () => {
    for (const at of running) if (at !== node) system.tell(at, { type: "pod.deletionRequested" });
    clock.run();
  });
  if (system.size !== 1) throw new Error(`Cannot measure: ${system.size - 1} pods are left`);
  system.stopAll();

  for (let index = 0; index < ticks; index++) {
    system.spawn(tickKind, {
      address: address({ node: "worker-0", kind: "tick", name: `${index}` }),
      input: undefined,
    });
  }
  clock.run();
  const ticksBefore = system.counters.transitions;
  measure("timers", () => clock.advance(1000));
  const ticked = system.counters.transitions - ticksBefore;
  if (ticked !== ticks) throw new Error(`Cannot measure: ${ticked} of ${ticks} timers fired`);
  system.stopAll();
}

let missed = 0;
function report(what: string, name: string, goalMs: number | undefined): void {
  const took = best.get(name)!;
  const verdict = goalMs === undefined ? "" : `, goal ${goalMs} ms: ${took < goalMs ? "met" : "MISSED"}`;
  if (goalMs !== undefined && took >= goalMs) missed++;
  console.log(`actor system: ${what} ${took.toFixed(1)} ms${verdict}`);
}
report(`${pods} pods started and running`, "start", 1000);
report(`${pods} pods probed once`, "probe", undefined);
report(`${pods} pods stopped`, "stop", 1000);
report(`${ticks} timers due at once and re-armed`, "timers", 50);
console.log(`actor system: ${(bytesPerActor / 1024).toFixed(1)} KB a running pod, with its last transitions`);
if (missed > 0) Deno.exit(1);
