/** What a reduced search leaves out, and what it never does; its size beside the full one's on systems that mean something. */
import { assert, assertEquals } from "@std/assert";
import { describeCheck } from "../../../machines/check/check_report.ts";
import { checkSystem, type SystemModel } from "../../../machines/check/check_system.ts";
import { type PlainActor, plainActor } from "../../../machines/check/plain_actor.ts";
import { apiServerSystem } from "../../../machines/models/api_server_system.ts";

/** Counts to a bound by itself. */
const counter = (name: string, bound: number) =>
  plainActor<number>(name, 0, { counted: (data) => data < bound ? { data: data + 1 } : undefined }, {
    events: () => [{ event: { type: "counted" } }],
  });

/** Asks a server for something, works alone on the answer, and asks again. */
function clientsAndServer(count: number): SystemModel {
  const clients = Array.from({ length: count }, (_, index) =>
    plainActor<string>(`client${index}`, "idle", {
      asks: (data, _event) =>
        data === "idle"
          ? { data: "waiting", sends: [{ to: "server", event: { type: "asked", by: `client${index}` } }] }
          : undefined,
      answered: () => ({ data: "working 3" }),
      works: (data) =>
        data.startsWith("working")
          ? { data: data === "working 0" ? "done" : `working ${Number(data.at(-1)) - 1}` }
          : undefined,
    }, { events: () => [{ event: { type: "asks" } }, { event: { type: "works" } }] }));
  const server = plainActor<number>("server", 0, {
    asked: (data, { by }) => ({ data: data + 1, sends: [{ to: by, event: { type: "answered" } }] }),
  });
  return {
    actors: [...clients, server],
    sometimes: { "all are served": (state) => state.of(server).view === count },
    mayEnd: (state) => clients.every((client) => state.of(client).view === "done"),
    reads: [server],
    limits: { states: 1_000_000 },
  };
}

const sizes: readonly { name: string; model: () => SystemModel; full: number; reduced: number }[] = [
  {
    name: "three counters that have nothing to do with each other",
    model: () => ({
      actors: ["a", "b", "c"].map((name) => counter(name, 9)),
      reads: [],
      limits: { states: 10_000 },
    }),
    full: 1_000,
    reduced: 28,
  },
  { name: "four clients of a server", model: () => clientsAndServer(4), full: 4_096, reduced: 180 },
  ...["whole", "store"].map((what) => ({
    name: `an API server that is stopped and whose store fails, ${what === "store" ? "its store" : "all rules"}`,
    model() {
      const { leadsTo: _, fairness: _fairness, always = {}, sometimes = {}, ...safe } = apiServerSystem({
        budgets: { failures: 1 },
      });
      if (what === "whole") return { ...safe, always, sometimes, reads: safe.actors };
      const rule = "no request that was taken comes to a closed store";
      return {
        ...safe,
        always: { [rule]: always[rule]! },
        reads: safe.actors.filter(({ name }) => name === "store"),
      };
    },
    full: 1_012,
    reduced: what === "whole" ? 1_010 : 672,
  })),
];

for (const { name, model, full, reduced } of sizes) {
  Deno.test(`a reduced search says what the full one says of ${name}`, () => {
    const { reads, ...whole } = model();
    const [all, some] = [checkSystem(whole), checkSystem({ ...whole, reads: reads! })];
    const factor = (all.states / some.states).toFixed(2);
    console.log(`${name}: ${all.states} states, reduced ${some.states}: ${factor} times fewer, ${some.rounds} rounds`);
    assertEquals(some.unreduced, undefined);
    assertEquals([some.verdict, some.ends], [all.verdict, all.ends], describeCheck(some));
    assertEquals([some.uncovered, some.locals], [all.uncovered, all.locals]);
    assertEquals([all.states, some.states], [full, reduced]);
  });
}

Deno.test("a reduced search tries the orders that a rule can tell apart", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => counter(name, 3)) as [PlainActor<number>, PlainActor<number>, never];
  const model: SystemModel = {
    actors: [a, b, c],
    reads: [a, b],
    always: { "a is not far ahead of b": (state) => state.of(a).view - state.of(b).view < 3 },
    limits: { states: 1_000 },
  };
  const { verdict, violations } = checkSystem(model);
  assertEquals([verdict, violations[0]?.rule], ["violated", "a is not far ahead of b"]);
});

Deno.test("rules see nothing but what the model declares that they read", () => {
  const [a, b] = [counter("a", 1), counter("b", 1)];
  const looks: Readonly<Record<string, NonNullable<SystemModel["always"]>[string]>> = {
    'Cannot look at "b"': (state) => state.of(b).view >= 0,
    'Cannot look at more of "a"': (state) => !state.of(a).down,
    "Cannot look at all actors": (state) => state.locals.length > 0,
    "Cannot look at messages": (state) => state.messages.length === 0,
    'Cannot look at the budget "x"': (state) => state.left("x") === 0,
  };
  for (const [refusal, rule] of Object.entries(looks)) {
    let said = "";
    try {
      checkSystem({ actors: [a, b], reads: [a], always: { rule }, limits: { states: 10 } });
    } catch (error) {
      said = (error as Error).message;
    }
    assert(said.startsWith(refusal), `"${said}" instead of "${refusal}"`);
  }
});

Deno.test("a search is not reduced where that would not be sound, and says why", () => {
  const a = counter("a", 2);
  const model: SystemModel = { actors: [a], reads: [a], limits: { states: 10 } };
  const cases: readonly (readonly [string | undefined, SystemModel])[] = [
    [undefined, model],
    ["rules about what happens in the end", {
      ...model,
      eventually: { over: (s) => s.of(a).view === 2 },
      fairness: { weak: ["event"] },
    }],
    ["rules about steps", { ...model, eachStep: { any: () => true } }],
    ["a history", { ...model, history: { init: 0, next: (history) => history } }],
    ["symmetry", { ...model, symmetry: [] }],
    ["partitions", { ...model, network: { partitions: [[["a"]]] } }],
    ["processes", { ...model, processes: [{ name: "p", actors: ["a"], restarts: () => [] }] }],
    ["messages that come twice in an ordered network", { ...model, network: { order: "ordered", duplicates: 1 } }],
    ["messages that are a set and may be lost", { ...model, network: { delivery: "repeated", losses: "any" } }],
  ];
  assertEquals(cases.map(([, each]) => checkSystem(each).unreduced), cases.map(([why]) => why));
});
