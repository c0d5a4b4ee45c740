/** Live actors of a chart that messages, times out, fails and is begun anew, watched from the start and from the middle. */
import { assert, assertEquals } from "@std/assert";
import { setup } from "xstate";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import { isSameData } from "../../../machines/check/same_data.ts";
import { TraceCheck, type TraceCheckOptions } from "../../../machines/check/trace_check.ts";
import type { TracedTransition, TraceFault, TraceRecord } from "../../../machines/check/trace_record.ts";
import { effect } from "../../../machines/effect.ts";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";

const pingMachine = setup({
  types: { events: {} as { type: "ping.asked" } | { type: "ping.sent" } | { type: "pong.heard" } },
  actions: { sendPing: effect({ answers: ["ping.sent"] }) },
  delays: { pause: 100 },
}).createMachine({
  id: "ping",
  initial: "resting",
  states: {
    resting: { on: { "ping.asked": "sending" }, after: { pause: "sending" } },
    sending: { entry: { type: "sendPing", params: {} }, on: { "ping.sent": "waiting" } },
    waiting: { on: { "pong.heard": "resting" } },
  },
});
const pongMachine = setup({
  types: { events: {} as { type: "ping.heard" } },
  actions: { sendPong: effect() },
}).createMachine({
  id: "pong",
  initial: "here",
  states: { here: { on: { "ping.heard": { actions: { type: "sendPong", params: {} } } } } },
});

const [pingAt, pongAt] = ["ping", "pong"].map((kind) => address({ node: "n", kind })) as [never, never];

/** What two actors do until the third ping. */
function recorded(): TraceRecord[] {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const records: TraceRecord[] = [];
  system.inspect((record) => records.push(record), (message) => records.push(message));
  system.spawn(actorKind("pong", pongMachine, { sendPong: (_, order) => order.tell(pingAt, { type: "pong.heard" }) }), {
    address: pongAt,
    input: undefined,
  });
  system.spawn(
    actorKind("ping", pingMachine, {
      sendPing: (_, order) => {
        order.tell(pongAt, { type: "ping.heard" });
        return { type: "ping.sent" };
      },
    }),
    { address: pingAt, input: undefined },
  );
  system.tell(pingAt, { type: "ping.asked" });
  clock.run();
  clock.advance(100);
  clock.advance(100);
  system.stopAll();
  return records;
}

const options: TraceCheckOptions = {
  machineOf: ({ snapshot }) => (snapshot as AnyMachineSnapshot).machine as AnyStateMachine,
  facts: { ping: ["ping.asked"] },
};

function faultOf(records: readonly TraceRecord[], more: Partial<TraceCheckOptions> = {}): TraceFault | undefined {
  const check = new TraceCheck({ ...options, ...more });
  for (const record of records) {
    const fault = check.take(record);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const good = recorded();

Deno.test("TraceCheck believes live actors from their start on", () => {
  assertEquals(faultOf(good), undefined);
  assert(good.filter(({ type }) => type === "message.sent").length === 6);
});

Deno.test("TraceCheck believes live actors from the middle on, if it is told that it is the middle", () => {
  for (let from = 1; from < good.length; from++) {
    const part = good.slice(from);
    assertEquals(faultOf(part, { fromMiddle: true }), undefined, `from ${from}`);
    const [first] = part.filter(({ type }) => type !== "message.sent");
    if (first !== undefined) assert(faultOf(part) !== undefined, `from ${from}`);
  }
});

const cases: { name: string; records(): TraceRecord[]; more?: Partial<TraceCheckOptions>; problem: string }[] = [
  {
    name: "a fact that is not declared",
    records: () => good,
    more: { facts: {} },
    problem: "it is no fact that comes by itself",
  },
  {
    name: "a message that nobody sent",
    records: () => good.filter(({ type }) => type !== "message.sent"),
    problem: "n/ping/-/-/- has not sent it",
  },
  {
    name: "messages that overtake each other",
    records: () => {
      const sent = good.find((each) => each.type === "message.sent" && each.to === pongAt)!;
      return good.map((each) => each === sent ? [{ ...sent, event: { type: "first" } } as TraceRecord, sent] : [each])
        .flat();
    },
    problem: "first of n/ping/-/-/- was sent before",
  },
  {
    name: "a chart that is not known",
    records: () => good,
    more: { machineOf: () => undefined },
    problem: "no chart is known for this actor",
  },
  {
    name: "a rule that does not hold",
    records: () => good,
    more: { rules: { ping: { "never waits": ({ after }) => !after.matches("waiting") } } },
    problem: 'it breaks the rule "never waits"',
  },
];

for (const { name, records, more, problem } of cases) {
  Deno.test(`TraceCheck refuses ${name}`, () => assertEquals(faultOf(records(), more)?.problem, problem));
}

Deno.test("TraceCheck lets an actor that failed begin again, and nobody else", () => {
  const [start] = good as [TracedTransition];
  const failed = { type: "actor.failed", sequence: 2, at: 0, actor: start.actor, incarnation: 1, detail: "x" } as const;
  const again = { ...start, sequence: 3, incarnation: 2 };
  assertEquals(faultOf([start, failed, again]), undefined);
  assertEquals(faultOf([start, failed, { ...again, incarnation: 3 }])?.problem, "its life 3 cannot follow on 1");
  assertEquals(faultOf([start, { ...again, sequence: 2 }])?.problem, "it lives already");
});

Deno.test("isSameData takes fields that are undefined for absent, and nothing else for equal", () => {
  assert(isSameData({ a: 1, b: undefined, c: [{ d: NaN }] }, { a: 1, c: [{ d: NaN }] }));
  for (const other of [{ a: 2 }, { a: 1, b: null }, { a: [1] }, { a: { 0: 1 } }, {}, null]) {
    assert(!isSameData({ a: 1 }, other), JSON.stringify(other));
  }
  assert(!isSameData([1], { 0: 1, length: 1 }) && !isSameData({ 0: 1 }, [1]));
});
