/** How fast the explorer walks through the states of one machine. Goal: 30,000 states a second. */
import { assign, setup } from "xstate";
import { exploreMachine } from "../machines/check/explore_machine.ts";
import { effect } from "../machines/effect.ts";

const limit = 9;
const up = (count: number) => Math.min(limit, count + 1);

const countersMachine = setup({
  types: {
    context: {} as { a: number; b: number; c: number; d: number },
    events: {} as { type: "a.counted" } | { type: "b.counted" } | { type: "c.counted" } | { type: "d.counted" } | {
      type: "work.done";
    },
  },
  actions: {
    work: effect<{ a: number }>({ answers: ["work.done"] }),
    countA: assign({ a: ({ context }) => up(context.a) }),
    countB: assign({ b: ({ context }) => up(context.b) }),
    countC: assign({ c: ({ context }) => up(context.c) }),
    countD: assign({ d: ({ context }) => up(context.d) }),
  },
}).createMachine({
  id: "counters",
  options: { maxIterations: 100 },
  context: { a: 0, b: 0, c: 0, d: 0 },
  initial: "resting",
  on: {
    "a.counted": { actions: "countA" },
    "b.counted": { actions: "countB" },
    "c.counted": { actions: "countC" },
    "d.counted": { actions: "countD" },
  },
  states: {
    resting: { description: "Waits", after: { 1000: "working" } },
    working: {
      description: "Works",
      entry: { type: "work", params: ({ context }) => ({ a: context.a }) },
      on: { "work.done": "resting" },
    },
  },
});

const started = performance.now();
const { states, steps } = exploreMachine(countersMachine, {
  events: [{ type: "a.counted" }, { type: "b.counted" }, { type: "c.counted" }, { type: "d.counted" }],
  maxStates: 1_000_000,
});
const seconds = (performance.now() - started) / 1000;
const rate = Math.round(states / seconds);
const megabytes = Math.round(Deno.memoryUsage().rss / 2 ** 20);
console.log(`explorer: ${states} states, ${steps} steps in ${seconds.toFixed(2)} s`);
console.log(`explorer: ${rate} states/s, goal 30000: ${rate >= 30_000 ? "met" : "MISSED"}`);
console.log(`explorer: ${Math.round(steps / seconds)} steps/s, ${megabytes} MB resident`);
