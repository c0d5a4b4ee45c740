import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assign, setup } from "xstate";
import { describeCheck } from "../../../machines/check/check_report.ts";
import {
  checkSystem,
  type Limits,
  type NetworkModel,
  replaySystem,
  systemActor,
  type SystemModel,
} from "../../../machines/check/check_system.ts";
import { effect } from "../../../machines/effect.ts";

// Letters: one actor writes "a" and then "b" to another, which keeps what arrives.

const writerMachine = setup({ actions: { write: effect<{ letter: string }>() } }).createMachine({
  id: "writer",
  options: { maxIterations: 100 },
  entry: [{ type: "write", params: { letter: "a" } }, { type: "write", params: { letter: "b" } }],
});

const readerMachine = setup({
  types: { context: {} as { read: string }, events: {} as { type: "letter.came"; letter: string } },
  actions: {
    keep: assign({ read: ({ context }, { letter }: { letter: string }) => (context.read + letter).slice(0, 4) }),
  },
}).createMachine({
  id: "reader",
  options: { maxIterations: 100 },
  context: { read: "" },
  on: { "letter.came": { actions: { type: "keep", params: ({ event }) => ({ letter: event.letter }) } } },
});

const writer = systemActor("writer", writerMachine, {
  sends: { write: ({ letter }: { letter: string }) => ({ to: "reader", event: { type: "letter.came", letter } }) },
});
const reader = systemActor("reader", readerMachine, {
  recover: () => [undefined],
  view: ({ snapshot }) => snapshot?.context.read,
});

/** Everything that the reader ever held. */
function readings(model: Partial<SystemModel>): string[] {
  const seen = new Set<string>();
  const check = checkSystem({
    actors: [writer, reader],
    limits: { states: 1000 },
    always: {
      "seen": (state) => {
        seen.add(state.of(reader).view ?? "down");
        return true;
      },
    },
    ...model,
  });
  assertEquals(check.verdict, "complete", describeCheck(check));
  return [...seen].sort();
}

/** Every word of so many of the letters a and b. */
function wordsUpTo(length: number): string[] {
  const shorter = length === 0 ? [] : wordsUpTo(length - 1);
  const longest = shorter.filter((word) => word.length === length - 1);
  return length === 0 ? [""] : [...shorter, ...longest.flatMap((word) => [`${word}a`, `${word}b`])].sort();
}

const networks: { name: string; network: NetworkModel; read: string[] }[] = [
  { name: "in order", network: { order: "ordered" }, read: ["", "a", "ab"] },
  { name: "in any order", network: {}, read: ["", "a", "ab", "b", "ba"] },
  { name: "in order, and loses one", network: { order: "ordered", losses: 1 }, read: ["", "a", "ab", "b"] },
  {
    name: "in order, and doubles one",
    network: { order: "ordered", duplicates: 1 },
    read: ["", "a", "ab", "aba", "abb"],
  },
  {
    name: "again and again, as a set",
    network: { order: "unordered", delivery: "repeated" },
    read: wordsUpTo(4),
  },
  {
    name: "across a cut that heals",
    network: { order: "ordered", partitions: [[["writer"], ["reader"]]] },
    read: ["", "a", "ab"],
  },
];
for (const { name, network, read } of networks) {
  Deno.test(`checkSystem delivers ${name}`, () => {
    assertEquals(readings({ network }), read);
  });
}

Deno.test("checkSystem lets who is down miss messages, and start again with nothing but what was saved", () => {
  assertEquals(readings({ network: { order: "ordered" }, crashes: 1 }), ["", "a", "ab", "b", "down"]);
});

// A job that asks for work with an order, gives up after a time, and saves how many it did.

const jobMachine = setup({
  types: {
    context: {} as { done: number },
    events: {} as { type: "work.done" } | { type: "work.failed" } | { type: "job.stopped" },
    input: {} as { done: number },
  },
  actions: {
    work: effect({ answers: ["work.done", "work.failed"], fails: "work.failed" }),
    callOff: effect({ answers: [], cancels: ["work"] }),
    count: assign({ done: ({ context }) => Math.min(2, context.done + 1) }),
  },
  delays: { patience: 1000 },
}).createMachine({
  id: "job",
  options: { maxIterations: 100 },
  context: ({ input }) => input,
  initial: "working",
  states: {
    working: {
      description: "Waits for work to be done",
      entry: { type: "work", params: {} },
      after: { patience: "resting" },
      on: { "work.done": { target: "resting", actions: "count" }, "work.failed": "failed", "job.stopped": "stopped" },
    },
    resting: {
      description: "Rests",
      entry: { type: "callOff", params: {} },
      on: { "job.stopped": "stopped", "work.done": "wrong", "work.failed": "wrong" },
      after: { patience: "working" },
    },
    failed: { description: "Failed" },
    stopped: { description: "Stopped", type: "final" },
    wrong: { description: "Got an answer to an order that was called off" },
  },
});

const job = systemActor("job", jobMachine, {
  input: { done: 0 },
  saves: ({ snapshot }) => snapshot.context.done,
  recover: (done) => [{ done: done ?? 0 }],
  events: [{ event: { type: "job.stopped" }, spends: "stops" }],
});
const jobModel: SystemModel = {
  actors: [job],
  budgets: { stops: 1 },
  crashes: 1,
  limits: { states: 1000 },
  sometimes: {
    "two are done, and it works again after a crash": (state) => {
      const { snapshot, saved } = state.of(job);
      return state.left("crashes") === 0 && saved === 2 && snapshot?.matches("working") === true;
    },
    "it fails": (state) => state.of(job).is("failed"),
    "it is stopped": (state) => state.of(job).is("stopped"),
  },
  always: {
    "no answer comes to an order that was called off": (state) => !state.of(job).is("wrong"),
    "what is done is saved": (state) =>
      state.of(job).down || state.of(job).snapshot!.context.done === state.of(job).saved,
  },
};

Deno.test("checkSystem answers orders with success, failure, late and never, fires timers, and crashes", () => {
  const check = checkSystem(jobModel);
  assertEquals(check.verdict, "complete", describeCheck(check));
  assertEquals(check.uncovered, [
    "job: state never reached: wrong",
    "job: edge never taken: resting --work.done--> wrong",
    "job: edge never taken: resting --work.failed--> wrong",
  ]);
});

Deno.test("checkSystem starts from what a crash may leave, with writes that nobody acknowledged", () => {
  const careless = systemActor("job", jobMachine, { ...job.options, leaves: ({ saved }) => [saved, 0] });
  const check = checkSystem({
    ...jobModel,
    actors: [careless],
    sometimes: {},
    always: {},
    eachStep: {
      "nothing done is lost": (before, { move }, after) =>
        move.do !== "crash" || before.of(careless).saved === after.of(careless).saved,
    },
  });
  assertEquals([check.verdict, check.violations[0]!.kind], ["violated", "step"]);
  assertEquals(
    check.violations[0]!.story,
    `  1 start {"job":{"done":0}}         job: working, awaits work, timer patience
  2 job: work is answered work.done  -> job resting, timer patience
  3 job crashes                      -> job down`,
  );
});

Deno.test("checkSystem takes a state for a dead end unless it may end there; a crash is no way out", () => {
  const check = checkSystem({ ...jobModel, sometimes: {}, mayEnd: (state) => state.of(job).is("stopped") });
  const { kind, moves } = check.violations[0]!;
  assertEquals([kind, moves.length], ["dead end", 2]);
  const fine = checkSystem({
    ...jobModel,
    mayEnd: (state) => state.of(job).is("stopped") || state.of(job).is("failed"),
  });
  assertEquals(fine.verdict, "complete", describeCheck(fine));
});

Deno.test("checkSystem fails a model in which a wanted thing never happens", () => {
  const check = checkSystem({ ...jobModel, sometimes: { "goes wrong": (state) => state.of(job).is("wrong") } });
  assertEquals([check.verdict, check.violations[0]!.kind], ["violated", "sometimes"]);
});

Deno.test("checkSystem plays a counterexample again that was written to a file", () => {
  const model: SystemModel = {
    ...jobModel,
    always: { "never two": (state) => state.of(job).snapshot?.context.done !== 2 },
  };
  const { moves } = checkSystem(model).violations[0]!;
  const played = replaySystem(model, JSON.parse(JSON.stringify(moves)));
  assertEquals(played.map(({ happening: { move } }) => move.do), ["start", "answer", "timer", "answer"]);
  assertEquals(played.at(-1)!.state.of(job).snapshot!.context.done, 2);
  assertThrows(() => replaySystem(model, [moves[0]!, moves[2]!]), Error, "Cannot replay step 2: ");
});

Deno.test("checkSystem tells the story of a machine that throws", () => {
  const throwing = systemActor("job", jobMachine, {
    ...job.options,
    saves: ({ snapshot, answered }) => {
      if (answered !== undefined) throw new Error("Cannot save: the disk is full");
      return snapshot.context.done;
    },
  });
  const check = checkSystem({ ...jobModel, actors: [throwing], always: {}, sometimes: {} });
  assertEquals([check.verdict, check.violations[0]!.rule], ["violated", "Cannot save: the disk is full"]);
  assertStringIncludes(check.violations[0]!.story, "2 job: work is answered work.done");
});

let time = 0;
const limits: { name: string; limits: Limits; more?: Partial<SystemModel>; reason: string }[] = [
  { name: "states", limits: { states: 3 }, reason: "more than 3 states" },
  { name: "depth", limits: { states: 1e6, depth: 2 }, reason: "deeper than 2 steps" },
  { name: "memory", limits: { states: 1e6, megabytes: 0 }, reason: "more than 0 MB" },
  {
    name: "time",
    limits: { states: 1e6, milliseconds: 5 },
    more: { now: () => time += 10 },
    reason: "longer than 5 ms",
  },
];
for (const { name, limits: given, more, reason } of limits) {
  Deno.test(`checkSystem never says "complete" when it ran out of ${name}`, () => {
    const counters = Array.from(
      { length: 6 },
      (_, index) => systemActor(`job${index}`, jobMachine, { ...job.options }),
    );
    const check = checkSystem({ actors: counters, budgets: { stops: 0 }, limits: given, ...more });
    assertEquals([check.verdict, check.reason], ["incomplete", reason]);
  });
}

// A request and its answer as messages.

const askerMachine = setup({
  types: { events: {} as { type: "request.served" } | { type: "request.lost" } },
  actions: { ask: effect({ answers: ["request.served", "request.lost"], cancels: ["ask"] }) },
  delays: { patience: 1000 },
}).createMachine({
  id: "asker",
  options: { maxIterations: 100 },
  initial: "asking",
  states: {
    asking: {
      description: "Waits for its answer",
      entry: { type: "ask", params: {} },
      on: { "request.served": "served" },
      after: { patience: "gaveUp" },
    },
    served: { description: "Was served", on: { "request.served": "twice" } },
    gaveUp: { description: "Gave up", entry: { type: "ask", params: {} }, on: { "request.served": "served" } },
    twice: { description: "Was served twice" },
  },
});
const serverMachine = setup({
  types: { events: {} as { type: "request.came" } },
  actions: { serve: effect() },
}).createMachine({
  id: "server",
  options: { maxIterations: 100 },
  on: { "request.came": { actions: { type: "serve", params: {} } } },
});

Deno.test("checkSystem drops the answer to an order that is no longer outstanding", () => {
  const asker = systemActor("asker", askerMachine, {
    sends: { ask: () => ({ to: "server", event: { type: "request.came" } }) },
  });
  const server = systemActor("server", serverMachine, {
    sends: { serve: () => ({ to: "asker", event: { type: "request.served" }, answers: "ask" }) },
  });
  const model: SystemModel = {
    actors: [asker, server],
    network: { duplicates: 1 },
    limits: { states: 1000 },
    always: { "served once": (state) => !state.of(asker).is("twice") },
    sometimes: { "served after giving up": (state) => state.of(asker).is("served") },
  };
  const check = checkSystem(model);
  assertEquals(check.verdict, "complete", describeCheck(check));
});

const refused: { name: string; model: Partial<SystemModel>; message: string }[] = [
  { name: "two actors of one name", model: { actors: [writer, reader, reader] }, message: 'are named "reader"' },
  { name: "a message to nobody", model: { actors: [writer] }, message: 'there is no actor "reader"' },
  { name: "a budget that is not there", model: { actors: [job] }, message: 'the model has no budget "stops"' },
  { name: "symmetry of nobody", model: { symmetry: [["x", "y"]] }, message: 'there is no actor "x"' },
  {
    name: "symmetry of different machines",
    model: { symmetry: [["writer", "reader"]] },
    message: "are not of one machine",
  },
];
for (const { name, model, message } of refused) {
  Deno.test(`checkSystem refuses ${name}`, () => {
    const whole: SystemModel = { actors: [writer, reader], limits: { states: 100 }, ...model };
    let said = "";
    try {
      said = checkSystem(whole).violations[0]?.rule ?? "";
    } catch (error) {
      said = (error as Error).message;
    }
    assertStringIncludes(said, message);
  });
}

Deno.test("checkSystem refuses symmetry of actors that do not start alike", () => {
  const other = systemActor("other", jobMachine, { ...job.options, input: { done: 1 } });
  const model: SystemModel = { ...jobModel, actors: [job, other], symmetry: [["job", "other"]] };
  assertThrows(() => checkSystem(model), Error, "the actors do not start alike");
});

Deno.test("checkSystem looks no further than the model's bounds", () => {
  const inside: SystemModel = { ...jobModel, within: (state) => !state.of(job).is("resting"), sometimes: {} };
  const check = checkSystem(inside);
  assertEquals(check.verdict, "complete");
  assert(check.uncovered.includes("job: state never reached: wrong"));
  assert(check.states < checkSystem(jobModel).states);
});

Deno.test("checkSystem starts with every combination of inputs", () => {
  const inputs = [{ done: 0 }, { done: 1 }];
  const one = systemActor("one", jobMachine, { inputs });
  const two = systemActor("two", jobMachine, { inputs });
  const check = checkSystem({ actors: [one, two], limits: { states: 4, depth: 0 } });
  assertEquals(check.states, 4);
});

Deno.test("checkSystem refuses symmetry of actors that start alike and then differ", () => {
  const options = { input: { done: 0 }, recover: () => [{ done: 0 }] };
  const eager = systemActor("one", jobMachine, options);
  const idle = systemActor("two", jobMachine, {
    ...options,
    allows: (event, { snapshot }) => event.type !== "work.done" || snapshot?.context.done === 0,
  });
  const model: SystemModel = { actors: [eager, idle], limits: { states: 1000 }, symmetry: [["one", "two"]] };
  assertThrows(
    () => checkSystem(model),
    Error,
    "Cannot use symmetry: one and two differ in what it may do by itself (in working, awaits work, timer patience)",
  );
  const alike = { ...idle, options: eager.options };
  assertEquals(checkSystem({ ...model, actors: [eager, alike] }).verdict, "complete");
});
