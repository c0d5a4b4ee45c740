import { assertEquals } from "@std/assert";
import { assign, setup } from "xstate";
import { actorKind, ActorSystem, address, type OrderContext } from "../../actors/system.ts";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { effect } from "../../machines/effect.ts";
import { type ActorStanding, explain, explainInWords } from "../../machines/explain.ts";
import { duration, shortEvent } from "../../machines/explain_words.ts";

type BoatEvent =
  | { type: "engine.started" }
  | { type: "engine.failed"; reason: string; message: string }
  | { type: "wind.rose"; knots: number }
  | { type: "harbour.called" };

const boatMachine = setup({
  types: { context: {} as { failures: number; message: string }, events: {} as BoatEvent },
  actions: {
    startEngine: effect({ answers: ["engine.started", "engine.failed"], fails: "engine.failed" }),
    count: assign({ failures: ({ context }) => Math.min(3, context.failures + 1) }),
    noteMessage: assign({ message: (_, params: { message: string }) => params.message }),
    sink: assign(() => {
      throw new Error("Cannot float: a leak");
    }),
  },
  guards: { isStorm: (_, params: { knots: number }) => params.knots > 40 },
  delays: { coolDown: 60_000, tide: 21_600_000 },
}).createMachine({
  id: "boat",
  options: { maxIterations: 100 },
  context: { failures: 0, message: "" },
  initial: "moored",
  states: {
    moored: {
      description: "Lies at the quay until the harbour calls",
      on: { "harbour.called": "leaving", "engine.failed": { actions: "sink" } },
    },
    leaving: {
      type: "parallel",
      description: "Gets ready to leave",
      on: {
        "wind.rose": {
          guard: { type: "isStorm", params: ({ event }) => ({ knots: event.knots }) },
          target: "moored",
        },
      },
      states: {
        engine: {
          initial: "starting",
          states: {
            starting: {
              description: "Waits for the engine to run",
              entry: { type: "startEngine", params: {} },
              on: {
                "engine.started": "running",
                "engine.failed": {
                  target: "cooling",
                  actions: ["count", { type: "noteMessage", params: ({ event }) => ({ message: event.message }) }],
                },
              },
            },
            cooling: { description: "Lets the engine cool down", after: { coolDown: "starting" } },
            running: { description: "The engine runs" },
          },
        },
        water: {
          initial: "low",
          states: {
            low: { description: "Waits for high water", after: { tide: "high" } },
            high: { description: "The water is high enough" },
          },
        },
      },
    },
  },
});

const at = address({ node: "sea", kind: "boat", namespace: "fleet", name: "anna" });

function boat() {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const given: OrderContext<BoatEvent>[] = [];
  const kind = actorKind("boat", boatMachine, { startEngine: (_, order) => void given.push(order) });
  const actor = system.spawn(kind, { address: at, input: undefined });
  const send = (event: BoatEvent) => {
    actor.send(event);
    clock.run();
  };
  return { clock, system, given, send, standing: (): ActorStanding => system.report(at)! };
}

Deno.test("explain says where an actor is, since when, and what would move it on", () => {
  const { clock, standing } = boat();
  clock.advance(90_000);
  assertEquals(explain(standing()), {
    says: [],
    where: [{ state: "moored", description: "Lies at the quay until the harbour calls" }],
    why: ["its start, when it started, led here"],
    since: "1 min 30 s",
    waitsFor: [],
    movesOn: ["harbour.called: to leaving"],
  });
});

Deno.test("explain names every region, outstanding orders, timers, and what came in vain", () => {
  const { clock, given, send, standing } = boat();
  send({ type: "harbour.called" });
  clock.advance(1500);
  given[0]!.answer({ type: "engine.failed", reason: "Cold", message: "no spark" });
  clock.run();
  clock.advance(20_000);
  send({ type: "wind.rose", knots: 12 });
  send({ type: "engine.started" });
  assertEquals(explain(standing()), {
    says: ["no spark"],
    where: [
      { state: "leaving.engine.cooling", description: "Lets the engine cool down" },
      { state: "leaving.water.low", description: "Waits for high water" },
    ],
    why: [
      'engine.failed {"reason":"Cold","message":"no spark"}, the answer to startEngine, led here',
      'wind.rose {"knots":12}, reported from outside, is not handled here ("isStorm" refused)',
      "engine.started, reported from outside, is not handled here",
    ],
    since: "20 s",
    waitsFor: ['"coolDown", in 40 s', '"tide", in 5 h 59 min'],
    movesOn: [
      "after coolDown, in 40 s: to leaving.engine.starting",
      'wind.rose if "isStorm": to moored',
      "after tide, in 5 h 59 min: to leaving.water.high",
    ],
  });
});

Deno.test("explainInWords prints an actor that waits for an answer", () => {
  const { clock, send, standing } = boat();
  send({ type: "harbour.called" });
  clock.advance(2500);
  assertEquals(explainInWords(standing()), [
    "sea/boat/fleet/anna/- has been here for 2.5 s:",
    "  leaving.engine.starting: Waits for the engine to run",
    "  leaving.water.low: Waits for high water",
    "Why:",
    "  harbour.called, reported from outside, led here",
    "Waits for:",
    "  startEngine, ordered 2.5 s ago, to be answered by engine.started or engine.failed",
    '  "tide", in 5 h 59 min',
    "Would move on:",
    "  engine.started, an answer to startEngine: to leaving.engine.running",
    "  engine.failed, an answer to startEngine: to leaving.engine.cooling",
    '  wind.rose if "isStorm": to moored',
    "  after tide, in 5 h 59 min: to leaving.water.high",
  ]);
});

Deno.test("explain says of an actor that threw why it is down", () => {
  const { clock, send, standing } = boat();
  send({ type: "engine.failed", reason: "Leak", message: "water" });
  const { where, why } = explain(standing());
  assertEquals(where[0]?.state, "(down)");
  assertEquals(why, ["It threw during engine.failed: Error: Cannot float: a leak", "It was started once"]);
  clock.advance(200);
  assertEquals(explain(standing()).why.at(-1), "It was started 2 times");
});

const durations: [number, string][] = [
  [-1, "0 ms"],
  [0.4, "0 ms"],
  [999, "999 ms"],
  [1000, "1 s"],
  [3250, "3.2 s"],
  [9999, "9.9 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [61_000, "1 min 1 s"],
  [3_600_000, "1 h"],
  [11_520_000, "3 h 12 min"],
  [86_400_000 * 2 + 3_600_000 * 5, "2 d 5 h"],
];
for (const [milliseconds, words] of durations) {
  Deno.test(`duration says ${words} for ${milliseconds} ms`, () => assertEquals(duration(milliseconds), words));
}

Deno.test("shortEvent cuts long events short", () => {
  const long = { type: "log.written", text: "x".repeat(500) };
  assertEquals(shortEvent(long).length, "log.written".length + 100);
  assertEquals(shortEvent({ type: "xstate.after.1000.boat.a" }), "a delay");
});
