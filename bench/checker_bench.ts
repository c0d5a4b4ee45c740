/**
 * How fast compositions are checked.
 *
 *     deno run -A bench/checker_bench.ts [states] [workers]
 *
 * 1. An election after Raft's rules of three voters over a network that loses messages, traces kept. Goals: 1,000,000
 *    steps and 200,000 distinct states a second, a million states in less than 10 s and 400 MB; with 10,000,000 states
 *    120 s and 2 GB.
 *    With a number of workers the same search in so many, besides.
 * 2. Four counters modulo 18, which `xstate/graph` can do too: one machine for it, four actors here. Goal: 20 times
 *    faster.
 */
import { assign, setup } from "xstate";
import { getAdjacencyMap } from "xstate/graph";
import { checkInWorkers } from "../actors/check/check_in_workers.ts";
import { describeCheck } from "../machines/check/check_report.ts";
import { checkSystem, systemActor } from "../machines/check/check_system.ts";
import { electionModel } from "../tests/models/check_election_model.ts";

const said = (text: string) => console.log(`checker: ${text.replaceAll("\n", "\nchecker: ")}`);
const goal = (name: string, value: number, bound: number, met: boolean) =>
  said(`${name} ${value}, goal ${bound}: ${met ? "met" : "MISSED"}`);

function timed<T>(body: () => T): { result: T; seconds: number } {
  const started = performance.now();
  const result = body();
  return { result, seconds: (performance.now() - started) / 1000 };
}

function benchElection(states: number): void {
  const { model } = electionModel({ voters: 3, maxTerm: 3, states });
  const { result: check, seconds } = timed(() => checkSystem(model));
  const memory = Math.round(Deno.memoryUsage().rss / 2 ** 20);
  said(describeCheck(check));
  const generated = Math.round(check.generated / seconds);
  const distinct = Math.round(check.states / seconds);
  const [mostSeconds, mostMemory] = states > 1_000_000 ? [120, 2048] : [10, 400];
  goal("generated/s", generated, 1_000_000, generated >= 1_000_000);
  goal("distinct/s", distinct, 200_000, distinct >= 200_000);
  goal(`seconds for ${check.states} states`, Number(seconds.toFixed(2)), mostSeconds, seconds < mostSeconds);
  goal("MB resident", memory, mostMemory, memory < mostMemory);
}

async function benchWorkers(states: number, workers: number): Promise<void> {
  const source = {
    module: import.meta.resolve("../tests/actors/check/worker_models.ts"),
    make: "electionIn",
    args: [{ voters: 3, maxTerm: 3, states }],
  };
  const started = performance.now();
  const check = await checkInWorkers(source, { workers });
  const seconds = (performance.now() - started) / 1000;
  const memory = Math.round(Deno.memoryUsage().rss / 2 ** 20);
  said(`${workers} workers: ${check.verdict}, ${check.states} states, ${check.generated} steps, ${check.depth} deep`);
  said(`${seconds.toFixed(2)} s, ${check.megabytes} MB of tables, ${memory} MB resident`);
}

const modulus = 18;
const fields = ["a", "b", "c", "d"] as const;

/** All four counters in one chart, as `xstate/graph` needs them. */
const countersMachine = setup({
  types: { context: {} as Record<string, number>, events: {} as { type: string } },
  actions: {
    count: assign(({ context }, { name }: { name: string }) => ({ [name]: (context[name]! + 1) % modulus })),
  },
}).createMachine({
  id: "counters",
  options: { maxIterations: 100 },
  context: { a: 0, b: 0, c: 0, d: 0 },
  on: Object.fromEntries(fields.map((name) => [name, { actions: { type: "count" as const, params: { name } } }])),
});

const counterMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: "counted" } },
  actions: { count: assign({ count: ({ context }) => (context.count + 1) % modulus }) },
}).createMachine({
  id: "counter",
  options: { maxIterations: 100 },
  context: { count: 0 },
  on: { counted: { actions: "count" } },
});

function benchBesideGraph(): void {
  const counters = fields.map((name) =>
    systemActor(name, counterMachine, { events: [{ event: { type: "counted" } }] })
  );
  const ours = timed(() => checkSystem({ actors: counters, limits: { states: 1_000_000 } }));
  const theirs = timed(() =>
    Object.keys(getAdjacencyMap(countersMachine, { events: fields.map((type) => ({ type })) })).length
  );
  if (ours.result.states !== theirs.result || ours.result.verdict !== "complete") {
    throw new Error(`Cannot compare: ${ours.result.states} states here, ${theirs.result} in xstate/graph`);
  }
  const times = Number((theirs.seconds / ours.seconds).toFixed(1));
  said(`${theirs.result} states: ${ours.seconds.toFixed(2)} s here, ${theirs.seconds.toFixed(2)} s in xstate/graph`);
  goal("times as fast as xstate/graph", times, 20, times >= 20);
}

const states = Number(Deno.args[0] ?? 1_000_000);
if (Deno.args[1] !== undefined) await benchWorkers(states, Number(Deno.args[1]));
else {
  benchElection(states);
  benchBesideGraph();
}
