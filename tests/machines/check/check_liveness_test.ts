/** Rules about what happens in the end, with the traps that checkers have fallen into. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type AnyStateMachine, setup } from "xstate";
import { describeCheck } from "../../../machines/check/check_report.ts";
import {
  checkSystem,
  type Fairness,
  type Move,
  replaySystem,
  systemActor,
  type SystemModel,
  type SystemState,
} from "../../../machines/check/check_system.ts";

/** A machine that goes where its events lead; every event may come wherever it leads somewhere. */
type Chart = Readonly<Record<string, Readonly<Record<string, string>>>>;

function walker(chart: Chart, name = "walker") {
  const states = Object.fromEntries(
    Object.entries(chart).map(([state, on]) => [state, { description: `At ${state}`, on }]),
  );
  const machine: AnyStateMachine = setup({ types: { events: {} as { type: string } } }).createMachine({
    id: name,
    options: { maxIterations: 100 },
    initial: Object.keys(chart)[0]!,
    states,
  });
  return systemActor(name, machine, {
    events: ({ snapshot }) => Object.keys(chart[snapshot!.value as string] ?? {}).map((type) => ({ event: { type } })),
  });
}

const steps = (moves: readonly Move[]) => moves.flatMap((move) => move.do === "event" ? [move.event.type] : []);

/** Fair: every event, each a class of its own. */
const events: Fairness = ["event"];
/** Fair: that something happens at all. */
const anything: Fairness = [(move) => move.do === "event" ? "anything" : undefined];
const only = (...types: string[]): Fairness => [
  (move) => move.do === "event" && types.includes(move.event.type) ? move.event.type : undefined,
];

interface Case {
  readonly name: string;
  readonly chart: Chart;
  readonly weak?: Fairness;
  readonly strong?: Fairness;
  /** The rule: a state that is to come about, in which way; "leadsTo" from the state `from`. */
  readonly rule: "eventually" | "alwaysEventually" | "eventuallyAlways" | "leadsTo";
  readonly at: string;
  readonly from?: string;
  /** Absent: the rule holds. Else what happens, and then what again and again. */
  readonly broken?: readonly [string[], string[]];
}

const cases: Case[] = [
  {
    name: "a way that joins another that met the rule already",
    // Of two ways to `join` one meets `goal`: whoever marks `join` as done with misses the other.
    chart: { start: { left: "goal", right: "side" }, goal: { on: "join" }, side: { on: "join" }, join: {} },
    weak: events,
    rule: "eventually",
    at: "goal",
    broken: [["right", "on"], []],
  },
  {
    name: "a round without an end",
    chart: { start: { go: "a" }, a: { on: "b", out: "goal" }, b: { back: "a" }, goal: {} },
    weak: anything,
    rule: "eventually",
    at: "goal",
    broken: [["go"], ["on", "back"]],
  },
  {
    name: "a round that weak fairness does not leave, since the way out is not always open",
    chart: { start: { go: "a" }, a: { on: "b", out: "goal" }, b: { back: "a" }, goal: {} },
    weak: events,
    rule: "eventually",
    at: "goal",
    broken: [["go"], ["on", "back"]],
  },
  {
    name: "a round that strong fairness leaves",
    chart: { start: { go: "a" }, a: { on: "b", out: "goal" }, b: { back: "a" }, goal: {} },
    weak: events,
    strong: only("out"),
    rule: "eventually",
    at: "goal",
  },
  {
    name: "a round that weak fairness leaves, since the way out is always open",
    chart: { a: { on: "b", out: "goal" }, b: { back: "a", out: "goal" }, goal: {} },
    weak: events,
    rule: "eventually",
    at: "goal",
  },
  {
    name: "stopping where nothing is fair",
    chart: { start: { go: "goal" }, goal: {} },
    rule: "eventually",
    at: "goal",
    broken: [[], []],
  },
  {
    name: "going on where going is fair",
    chart: { start: { go: "goal" }, goal: {} },
    weak: events,
    rule: "eventually",
    at: "goal",
  },
  {
    name: "a step that changes nothing and is no way on",
    chart: { start: { wait: "start", go: "goal" }, goal: {} },
    weak: only("wait"),
    rule: "eventually",
    at: "goal",
    broken: [[], []],
  },
  {
    name: "a step that changes nothing and does not put off a fair one",
    chart: { start: { wait: "start", go: "goal" }, goal: {} },
    weak: only("go"),
    rule: "eventually",
    at: "goal",
  },
  {
    name: "a fair round within a component that is not fair as a whole",
    // Through `c` the way out is possible again and again; a <-> b alone never allows it.
    chart: { a: { on: "b", far: "c" }, b: { back: "a" }, c: { home: "a", out: "goal" }, goal: {} },
    weak: only("on", "back"),
    strong: only("out"),
    rule: "eventually",
    at: "goal",
    broken: [[], ["on", "back"]],
  },
  {
    name: "a component whose rounds are all unfair",
    chart: { a: { on: "b" }, b: { back: "a", out: "goal" }, goal: {} },
    weak: only("on", "back"),
    strong: only("out"),
    rule: "eventually",
    at: "goal",
  },
  {
    name: "a round that has to go both ways round to be fair",
    chart: { hub: { left: "l", right: "r" }, l: { fromLeft: "hub" }, r: { fromRight: "hub" } },
    weak: events,
    strong: only("left", "right"),
    rule: "eventually",
    at: "nowhere",
    broken: [[], ["left", "fromLeft", "right", "fromRight"]],
  },
  {
    name: "what is met again and again",
    chart: { a: { on: "b" }, b: { back: "a" } },
    weak: events,
    rule: "alwaysEventually",
    at: "b",
  },
  {
    name: "what is met once and then no more",
    chart: { a: { on: "b" }, b: { back: "c" }, c: { round: "d" }, d: { round: "c" } },
    weak: events,
    rule: "alwaysEventually",
    at: "b",
    broken: [["on", "back"], ["round", "round"]],
  },
  {
    name: "what comes and does not stay",
    chart: { a: { on: "b" }, b: { back: "a" } },
    weak: events,
    rule: "eventuallyAlways",
    at: "b",
    broken: [[], ["on", "back"]],
  },
  { name: "what comes and stays", chart: { a: { on: "b" }, b: {} }, weak: events, rule: "eventuallyAlways", at: "b" },
  {
    name: "an answer that comes",
    chart: { idle: { ask: "asked" }, asked: { answer: "idle" } },
    weak: only("answer"),
    rule: "leadsTo",
    from: "asked",
    at: "idle",
  },
  {
    name: "an answer that a retry puts off for ever",
    chart: { idle: { ask: "asked" }, asked: { retry: "again", answer: "idle" }, again: { back: "asked" } },
    weak: events,
    rule: "leadsTo",
    from: "asked",
    at: "idle",
    broken: [["ask"], ["retry", "back"]],
  },
];

for (const { name, chart, weak = [], strong = [], rule, at, from = "", broken } of cases) {
  Deno.test(`checkSystem ${broken ? "refuses" : "accepts"} for "${rule}": ${name}`, () => {
    const actor = walker(chart);
    const goal = (state: SystemState) => state.of(actor).is(at);
    const trigger = (state: SystemState) => state.of(actor).is(from);
    const model: SystemModel = {
      actors: [actor],
      limits: { states: 100 },
      fairness: { weak, strong },
      ...(rule === "leadsTo" ? { leadsTo: { rule: [trigger, goal] } } : { [rule]: { rule: goal } }),
    };
    const check = checkSystem(model);
    assertEquals(check.verdict, broken ? "violated" : "complete", describeCheck(check));
    if (broken === undefined) return;
    const { moves, cycle, story } = check.violations[0]!;
    assertEquals([steps(moves), steps(cycle)], broken, story);
    // The round is one: it ends where it began.
    const played = replaySystem(model, [...moves, ...cycle]);
    assertEquals(
      played.at(-1)!.state.of(actor).snapshot!.value,
      played[moves.length - 1]!.state.of(actor).snapshot!.value,
    );
  });
}

Deno.test("checkSystem says nothing about the end when it did not see everything", () => {
  const actor = walker({ a: { on: "b" }, b: { on: "c" }, c: {} });
  const check = checkSystem({
    actors: [actor],
    limits: { states: 2 },
    fairness: { weak: events },
    eventually: { "arrives": (state) => state.of(actor).is("c") },
  });
  assertEquals([check.verdict, check.reason, check.unchecked], ["incomplete", "more than 2 states", ["arrives"]]);
});

Deno.test("checkSystem tells the round as a story, with what goes on again and again", () => {
  const actor = walker({ a: { on: "b" }, b: { back: "a" } });
  const { violations } = checkSystem({
    actors: [actor],
    limits: { states: 10 },
    fairness: { weak: events },
    eventually: { "rests": () => false },
  });
  assertEquals(
    violations[0]!.story,
    `  1 start         walker: a
  and from here on, again and again:
  2 walker: on    -> walker b
  3 walker: back  -> walker a
  The rule is never met in this round, which is fair.`,
  );
});

Deno.test("checkSystem does not use symmetry with rules about the end, which it could hide", () => {
  const chart: Chart = { a: { on: "b" }, b: { back: "a" } };
  const first = walker(chart, "first");
  const second = { ...first, name: "second" };
  const model: SystemModel = { actors: [first, second], symmetry: [["first", "second"]], limits: { states: 10 } };
  assertEquals([checkSystem(model).states, checkSystem(model).renamings], [3, 2]);
  const check = checkSystem({
    ...model,
    fairness: { weak: anything },
    alwaysEventually: { "the first is at b": (state) => state.of(first).is("b") },
  });
  assertEquals([check.verdict, check.renamings], ["violated", 1]);
});

Deno.test("checkSystem refuses more predicates about the end than it has room for", () => {
  const actor = walker({ a: {} });
  const eventually = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`rule ${index}`, () => true]));
  const error = assertThrows(() => checkSystem({ actors: [actor], limits: { states: 10 }, eventually }), Error);
  assert(error instanceof Error);
  assertStringIncludes(error.message, "Cannot check 40 predicates");
});
