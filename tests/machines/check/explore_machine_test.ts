import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assign, setup, type SnapshotFrom } from "xstate";
import {
  BrokenRule,
  exploreMachine,
  type MachineWorld,
  TooManyStates,
} from "../../../machines/check/explore_machine.ts";
import { effect } from "../../../machines/effect.ts";

type JobEvent =
  | { type: "image.pulled" }
  | { type: "image.pullFailed"; reason: string; message: string }
  | { type: "process.exited"; exitCode: number }
  | { type: "job.deletionRequested" };

const base = setup({
  types: {
    context: {} as { failures: number; wanted: boolean },
    events: {} as JobEvent,
    input: {} as { wanted: boolean },
  },
  actions: {
    pullImage: effect<{ attempt: number }>({
      answers: ["image.pulled", "image.pullFailed"],
      fails: "image.pullFailed",
    }),
    runProcess: effect({ answers: ["process.exited"] }),
    killProcess: effect({ answers: ["process.exited"], cancels: ["runProcess", "pullImage"] }),
    countFailure: assign({ failures: ({ context }) => Math.min(3, context.failures + 1) }),
    countForever: assign({ failures: ({ context }) => context.failures + 1 }),
  },
  guards: {
    isWanted: ({ context }) => context.wanted,
    isClean: (_, params: { exitCode: number }) => params.exitCode === 0,
    isAlways: () => true,
  },
  delays: {
    backOff: ({ context }) => 1000 * context.failures,
    doubt: () => {
      throw new Error("Cannot decide: in doubt");
    },
  },
});

const isClean = {
  type: "isClean",
  params: ({ event }: { event: { exitCode: number } }) => ({ exitCode: event.exitCode }),
} as const;

const sound = () => ({
  deciding: {
    description: "Looks whether the job is wanted",
    always: [{ guard: "isWanted", target: "pulling" }, { target: "refused" }],
  },
  pulling: {
    description: "Waits for the image",
    entry: {
      type: "pullImage",
      params: ({ context }: { context: { failures: number } }) => ({ attempt: context.failures }),
    },
    on: { "image.pulled": "running", "image.pullFailed": { target: "pullBackOff", actions: "countFailure" } },
  },
  pullBackOff: { description: "Waits before the next attempt", after: { backOff: "pulling" } },
  running: {
    description: "Waits for the process to end",
    entry: { type: "runProcess", params: {} },
    on: { "process.exited": [{ guard: isClean, target: "succeeded" }, { target: "failed" }] },
  },
  succeeded: { description: "Ended well" },
  failed: { description: "Ended badly" },
  refused: { description: "Was never wanted" },
  killing: {
    description: "Waits for the process to be gone",
    entry: { type: "killProcess", params: {} },
    on: { "process.exited": "gone", "job.deletionRequested": {} },
  },
  gone: { description: "The job is no more", type: "final" },
});

// Mutants are data that does not fit one type: the chart is checked by the exploration.
// deno-lint-ignore no-explicit-any
type Chart = { states: any; on?: any };

function machineOf({ states, on = { "job.deletionRequested": ".killing" } }: Chart) {
  return base.createMachine({
    id: "job",
    options: { maxIterations: 100 },
    context: ({ input }) => ({ ...input, failures: 0 }),
    initial: "deciding",
    on,
    states,
  });
}

type Machine = ReturnType<typeof machineOf>;

const world = {
  inputs: [{ wanted: true }, { wanted: false }],
  facts: { "process.exited": [{ exitCode: 0 }, { exitCode: 1 }] },
  events: [{ type: "job.deletionRequested" }],
  except: ['guard "isAlways" is never asked'],
} satisfies MachineWorld<Machine>;

Deno.test("exploreMachine finds every state of a sound machine and no problem", () => {
  const { problems, states, unhandled, neverSeen } = exploreMachine(machineOf({ states: sound() }), world);
  assertEquals(problems, []);
  assertEquals(neverSeen, []);
  assertEquals(unhandled, []);
  // Wanted: back-off with 1 to 3 failures, six more states with 0 to 3. Not wanted: refused, killing, gone.
  assertEquals(states, 3 + 6 * 4 + 3);
});

const mutants: {
  name: string;
  chart: (states: ReturnType<typeof sound>) => Chart;
  problems: string[];
  world?: Partial<MachineWorld<Machine>>;
}[] = [
  {
    name: "an edge that was removed",
    chart: ({ pullBackOff: _, ...states }) => ({ states: { ...states, pullBackOff: { description: "Stuck" } } }),
    // Deletion still leads on, so without it:
    world: { events: [] },
    problems: [
      "state never reached: killing",
      "state never reached: gone",
      "edge never taken: (root) --job.deletionRequested--> killing",
      "edge never taken: killing --process.exited--> gone",
      "edge never taken: killing --job.deletionRequested--> (stays)",
      "dead end: pullBackOff",
    ],
  },
  {
    name: "an answer that nothing handles",
    chart: (states) => ({ states: { ...states, pulling: { ...states.pulling, on: { "image.pulled": "running" } } } }),
    problems: [
      "state never reached: pullBackOff",
      "edge never taken: pullBackOff --after backOff--> pulling",
      "handled by no state: image.pullFailed",
    ],
  },
  {
    name: "a state that nothing leads to",
    chart: (states) => ({ states: { ...states, paused: { description: "Paused" } } }),
    problems: ["state never reached: paused"],
  },
  {
    name: "an edge that cannot be taken",
    chart: (states) => ({
      states: { ...states, running: { ...states.running, on: { ...states.running.on, "image.pulled": "failed" } } },
    }),
    problems: ["edge never taken: running --image.pulled--> failed"],
  },
  {
    name: "a guard that never refuses and the edge it hides",
    chart: (states) => ({
      states: {
        ...states,
        deciding: { ...states.deciding, always: [{ guard: "isAlways", target: "pulling" }, { target: "refused" }] },
      },
    }),
    world: { except: [] },
    problems: [
      "state never reached: refused",
      "edge never taken: deciding --always #2--> refused",
      'guard "isWanted" is never asked',
      'guard "isAlways" never refuses',
    ],
  },
  {
    name: "a state without a description",
    chart: (states) => ({ states: { ...states, failed: {} } }),
    problems: ["state without a description: failed"],
  },
  {
    name: "an event that no state handles",
    chart: (states) => ({ states, on: {} }),
    problems: [
      "state never reached: killing",
      "state never reached: gone",
      "edge never taken: killing --process.exited--> gone",
      "edge never taken: killing --job.deletionRequested--> (stays)",
      "handled by no state: job.deletionRequested",
    ],
  },
  {
    name: "an exception that is not needed",
    chart: (states) => ({ states }),
    world: { except: ['guard "isAlways" is never asked', "dead end: pulling"] },
    problems: ["excepted in vain: dead end: pulling"],
  },
];
for (const { name, chart, problems, world: other } of mutants) {
  Deno.test(`exploreMachine catches ${name}`, () => {
    const terminal = ["succeeded", "failed", "refused"];
    assertEquals(exploreMachine(machineOf(chart(sound())), { ...world, terminal, ...other }).problems, problems);
  });
}

Deno.test("exploreMachine takes a state for a dead end unless it is declared terminal", () => {
  const machine = machineOf({ states: sound() });
  const { deadEnds } = exploreMachine(machine, { ...world, events: [] });
  assertEquals(deadEnds.toSorted(), ["failed", "refused", "succeeded"]);
});

Deno.test("exploreMachine never passes a machine whose counters grow, and names the counter", () => {
  const states = sound();
  const grows = {
    ...states,
    pulling: { ...states.pulling, on: { "image.pullFailed": { target: "pullBackOff", actions: "countForever" } } },
  };
  assertThrows(
    () => exploreMachine(machineOf({ states: grows }), { ...world, maxStates: 1000 }),
    TooManyStates,
    'Cannot explore machine "job": more than 1000 states; fields that took most values: context.failures (',
  );
});

Deno.test("exploreMachine tells the shortest story to a broken rule", () => {
  const always = {
    "never fails twice": ({ snapshot }: { snapshot: SnapshotFrom<Machine> }) => snapshot.context.failures < 2,
  };
  const error = assertThrows(() => exploreMachine(machineOf({ states: sound() }), { ...world, always }), BrokenRule);
  assertEquals(
    error.message,
    `Broken rule "never fails twice", shortest path, 4 steps:
  1 start {"wanted":true}                                                     -> pulling, orders pullImage
  2 answer pullImage: image.pullFailed {"reason":"Error","message":"it failed"}  -> pullBackOff, 1000 ms armed
  3 timer backOff                                                             -> pulling, orders pullImage
  4 answer pullImage: image.pullFailed {"reason":"Error","message":"it failed"}  -> pullBackOff, 2000 ms armed
Path: 0.1.0.1`,
  );
});

Deno.test("exploreMachine checks what each step orders", () => {
  const eachStep: MachineWorld<Machine>["eachStep"] = {
    "kills only what runs": ({ before, after }) =>
      !after.orders.some(({ type }) => type === "killProcess") ||
      before.outstanding.some(({ type }) => type === "runProcess"),
  };
  const error = assertThrows(() => exploreMachine(machineOf({ states: sound() }), { ...world, eachStep }), BrokenRule);
  assertStringIncludes(error.message, "2 event job.deletionRequested");
});

Deno.test("exploreMachine does not answer an order that was called off", () => {
  const { unhandled } = exploreMachine(machineOf({ states: sound() }), {
    ...world,
    always: {
      "a killed job awaits one answer": ({ snapshot, outstanding }) =>
        !snapshot.matches("killing") || outstanding.map(({ type }) => type).join() === "killProcess",
    },
  });
  assertEquals(unhandled, []);
});

Deno.test("exploreMachine starts the machine again anywhere from what it would find", () => {
  const sometimes: MachineWorld<Machine>["sometimes"] = {
    "unwanted after a crash": ({ snapshot, outstanding }) => snapshot.matches("refused") && outstanding.length === 0,
  };
  const machine = machineOf({ states: sound() });
  const onlyWanted = { ...world, inputs: [{ wanted: true }], sometimes };
  assert(exploreMachine(machine, onlyWanted).neverSeen.includes("unwanted after a crash"));
  assertEquals(exploreMachine(machine, { ...onlyWanted, recover: () => [{ wanted: false }] }).problems, []);
});

Deno.test("exploreMachine reports a machine that throws with the story that leads there", () => {
  const states = sound();
  const throws = { ...states, failed: { description: "Ended badly", after: { doubt: "gone" } } };
  const error = assertThrows(() => exploreMachine(machineOf({ states: throws }), world), BrokenRule);
  assertStringIncludes(error.message, 'answer runProcess: process.exited {"exitCode":1}');
});

Deno.test("exploreMachine refuses a machine that gives orders faster than they are answered", () => {
  const states = sound();
  const floods = {
    ...states,
    running: {
      ...states.running,
      on: { ...states.running.on, "job.deletionRequested": { actions: { type: "runProcess", params: {} } } },
    },
  };
  assertThrows(
    () => exploreMachine(machineOf({ states: floods }), world),
    BrokenRule,
    "more than maxOutstanding (8) orders await an answer",
  );
});

Deno.test("exploreMachine catches an action that nobody would run", () => {
  const machine = setup({ types: { events: {} as { type: "moved" } }, actions: { shout: () => {} } }).createMachine({
    id: "mute",
    options: { maxIterations: 100 },
    initial: "still",
    states: { still: { description: "Stands", entry: "shout" } },
  });
  assertEquals(exploreMachine(machine, { terminal: ["still"] }).problems, [
    "action is neither an order nor built in, nobody runs it: shout",
  ]);
});

Deno.test("exploreMachine tells states apart by history, timers and outstanding orders", () => {
  const machine = setup({ types: { events: {} as { type: "switched" } | { type: "moved" } } }).createMachine({
    id: "lamp",
    options: { maxIterations: 100 },
    initial: "on",
    states: {
      on: {
        description: "Shines",
        initial: "low",
        on: { switched: "off" },
        states: {
          low: { description: "Dim", on: { moved: "high" } },
          high: { description: "Bright", after: { 1000: "low" } },
          last: { type: "history" },
        },
      },
      off: { description: "Dark", on: { switched: "on.last" } },
    },
  });
  const { problems, states } = exploreMachine(machine, { events: [{ type: "switched" }, { type: "moved" }] });
  assertEquals(problems, []);
  // low and high before there is a history; low, high and off with either history.
  assertEquals(states, 2 + 3 * 2);
});
