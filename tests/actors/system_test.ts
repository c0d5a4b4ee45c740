import { assert, assertEquals, assertThrows } from "@std/assert";
import { assign, setup } from "xstate";
import { actorKind, ActorSystem, address, type Inspection, type OrderContext } from "../../actors/system.ts";
import { effect } from "../../machines/effect.ts";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";

type JobEvent =
  | { type: "job.asked" }
  | { type: "job.done"; result: number }
  | { type: "job.failed"; reason: string; message: string }
  | { type: "job.cancelled" }
  | { type: "bomb.armed" }
  | { type: "job.ended" };

const jobMachine = setup({
  types: { context: {} as { failures: number }, events: {} as JobEvent },
  actions: {
    doJob: effect<{ attempt: number }>({ answers: ["job.done", "job.failed"], fails: "job.failed" }),
    cancelJob: effect({ answers: [], cancels: ["doJob"] }),
    count: assign({ failures: ({ context }) => Math.min(3, context.failures + 1) }),
    explode: () => {},
  },
  guards: {
    boom: () => {
      throw new Error("boom");
    },
  },
  delays: { backOff: ({ context }) => 1000 * context.failures },
}).createMachine({
  id: "job",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "idle",
  on: { "bomb.armed": { guard: "boom", target: ".idle" }, "job.ended": ".ended" },
  states: {
    idle: { on: { "job.asked": "working" } },
    working: {
      entry: { type: "doJob", params: ({ context }) => ({ attempt: context.failures }) },
      on: {
        "job.done": "idle",
        "job.failed": { target: "waiting", actions: "count" },
        "job.cancelled": { target: "idle", actions: { type: "cancelJob", params: {} } },
      },
    },
    waiting: { after: { backOff: "working" } },
    ended: { type: "final" },
  },
});

const at = address({ node: "test", kind: "job", name: "one" });

function world(
  perform: (params: { attempt: number }, order: OrderContext<JobEvent>) => JobEvent | void | Promise<JobEvent>,
) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const kind = actorKind("job", jobMachine, { doJob: perform, cancelJob: () => {} });
  const actor = system.spawn(kind, { address: at, input: undefined });
  return { clock, system, actor, kind };
}

Deno.test("ActorSystem answers an order with the fact its performer returns", () => {
  const { clock, actor } = world(() => ({ type: "job.done", result: 1 }));
  actor.send({ type: "job.asked" });
  clock.run();
  assertEquals(actor.getSnapshot().value, "idle");
});

Deno.test("ActorSystem turns a thrown error into the order's declared failure and waits the machine's delay", () => {
  const attempts: number[] = [];
  const { clock, actor } = world(({ attempt }) => {
    attempts.push(attempt);
    throw new Error("no luck");
  });
  actor.send({ type: "job.asked" });
  clock.run();
  assertEquals([actor.getSnapshot().value, attempts], ["waiting", [0]]);
  clock.advance(999);
  assertEquals(attempts, [0]);
  clock.advance(1);
  assertEquals(attempts, [0, 1]);
});

Deno.test("ActorSystem drops and counts the answer to an order that was called off", () => {
  const orders: OrderContext<JobEvent>[] = [];
  const { clock, actor, system } = world((_, given) => void orders.push(given));
  actor.send({ type: "job.asked" });
  clock.run();
  const signal = orders[0]!.signal;
  actor.send({ type: "job.cancelled" });
  clock.run();
  assert(signal.aborted);
  orders[0]!.answer({ type: "job.done", result: 1 });
  clock.run();
  assertEquals([actor.getSnapshot().value, system.counters.lateAnswers], ["idle", 1]);
});

Deno.test("ActorSystem drops an answer whose order was called off while the answer waited its turn", () => {
  const orders: OrderContext<JobEvent>[] = [];
  const { clock, actor, system } = world((_, given) => void orders.push(given));
  actor.send({ type: "job.asked" });
  clock.run();
  actor.send({ type: "job.cancelled" });
  orders[0]!.answer({ type: "job.done", result: 1 });
  actor.send({ type: "job.asked" });
  clock.run();
  // The answer to the first order must not pass for one to the second.
  assertEquals([actor.getSnapshot().value, orders.length, system.counters.lateAnswers], ["working", 2, 1]);
});

Deno.test("ActorSystem refuses an answer that the effect does not declare", () => {
  const orders: OrderContext<JobEvent>[] = [];
  const { clock, actor } = world((_, given) => void orders.push(given));
  actor.send({ type: "job.asked" });
  clock.run();
  assertThrows(() => orders[0]!.answer({ type: "job.asked" }), Error, 'Cannot answer order "doJob" with "job.asked"');
});

Deno.test("ActorSystem starts an actor again after a back-off when it throws", () => {
  const { clock, actor, system } = world(() => {});
  const incidents: string[] = [];
  system.inspect((inspection: Inspection) => {
    if (inspection.type !== "transition") incidents.push(inspection.type);
  });
  actor.send({ type: "bomb.armed" });
  clock.run();
  assertEquals([incidents, system.report(at)?.fault?.includes("boom")], [["actor.failed"], true]);
  clock.advance(100);
  assertEquals([actor.getSnapshot().value, system.report(at)?.incarnation], ["idle", 2]);
});

type PairEvent = { type: "pair.asked" } | { type: "second.done" };

/** Orders two things in one step; `one` reports nothing back, `two` is answered. */
const pairMachine = setup({
  types: { events: {} as PairEvent },
  actions: { one: effect(), alsoOne: effect(), two: effect({ answers: ["second.done"] }) },
}).createMachine({
  id: "pair",
  options: { maxIterations: 100 },
  initial: "idle",
  states: {
    idle: { on: { "pair.asked": "ordered" } },
    ordered: {
      entry: [{ type: "one", params: {} }, { type: "alsoOne", params: {} }, { type: "two", params: {} }],
      on: { "second.done": "answered" },
    },
    answered: {},
  },
});

function pair(performers: Partial<Record<"one" | "alsoOne" | "two", () => PairEvent | void | Promise<void>>>) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const kind = actorKind("pair", pairMachine, {
    one: () => performers.one?.() as void,
    alsoOne: () => performers.alsoOne?.() as void,
    two: () => performers.two?.() as PairEvent | void,
  });
  const actor = system.spawn(kind, { address: address({ node: "test", kind: "pair", name: "a" }), input: undefined });
  return { clock, system, actor };
}

Deno.test("ActorSystem carries out no further order of a step once one of them has failed its actor", () => {
  let later = 0;
  const { clock, system, actor } = pair({
    one: () => {
      throw new Error("no luck");
    },
    two: () => {
      later++;
      return { type: "second.done" };
    },
  });
  actor.send({ type: "pair.asked" });
  clock.run();
  assertEquals(later, 0);
  clock.advance(100);
  assertEquals(system.report(actor.id)?.incarnation, 2);
  assertEquals(system.report(actor.id)?.orders, []);
});

Deno.test("ActorSystem starts an actor again once, however many of its orders failed it", async () => {
  const fail = () => Promise.reject(new Error("no luck"));
  const { clock, system, actor } = pair({ one: fail, alsoOne: fail });
  actor.send({ type: "pair.asked" });
  clock.run();
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  clock.advance(60_000);
  assertEquals(system.report(actor.id)?.incarnation, 2);
});

Deno.test("ActorSystem forgets former faults of an actor that has run for long, whatever it did meanwhile", () => {
  const { clock, system, actor } = world(() => ({ type: "job.done", result: 1 }));
  const restartsAfter = (ms: number) => {
    const before = system.report(at)?.incarnation ?? 0;
    actor.send({ type: "bomb.armed" });
    clock.run();
    clock.advance(ms);
    return (system.report(at)?.incarnation ?? 0) > before;
  };
  assert(restartsAfter(100));
  for (let minute = 0; minute < 10; minute++) {
    clock.advance(30_000);
    actor.send({ type: "job.asked" });
    clock.run();
  }
  assert(restartsAfter(100), "the back-off had grown, although the actor ran for five minutes");
});

Deno.test("ActorSystem counts events that no state handles and messages to nobody", () => {
  const { clock, actor, system } = world(() => {});
  actor.send({ type: "job.done", result: 1 });
  system.tell(address({ node: "test", kind: "job", name: "two" }), { type: "job.asked" });
  clock.run();
  assertEquals([system.counters.unhandled, system.counters.deadMessages], [1, 1]);
});

Deno.test("ActorSystem ends those an actor supervises before it and frees their addresses", () => {
  const { clock, system, kind, actor } = world(() => {});
  const ended: string[] = [];
  system.spawn(kind, {
    address: address({ node: "test", kind: "job", name: "child" }),
    supervisor: at,
    input: undefined,
  });
  system.inspect((inspection) => {
    if (inspection.type === "actor.stopped") ended.push(inspection.actor);
  });
  actor.send({ type: "job.ended" });
  clock.run();
  assertEquals([ended, system.size], [["test/job/-/child/-", "test/job/-/one/-"], 0]);
});

Deno.test("ActorSystem delivers what waited through a pause before the timers that came due in it", () => {
  const seen: string[] = [];
  const { clock, system, actor } = world(() => {
    throw new Error("no luck");
  });
  system.inspect((inspection) => {
    if (inspection.type === "transition") seen.push(inspection.cause.by);
  });
  actor.send({ type: "job.asked" });
  clock.run();
  seen.length = 0;
  clock.pause(60_000);
  // The input takes two turns to become a fact, as a response on a socket does.
  clock.soon(() => clock.soon(() => actor.send({ type: "job.cancelled" })));
  clock.advance(0);
  assertEquals(seen.slice(0, 2), ["world", "timer"]);
});

Deno.test("ActorSystem wakes for timers after everybody was stopped", () => {
  const attempts: number[] = [];
  const { clock, system, kind, actor } = world(({ attempt }) => {
    attempts.push(attempt);
    throw new Error("no luck");
  });
  actor.send({ type: "job.asked" });
  clock.run();
  system.stopAll();
  clock.advance(5000);
  system.spawn(kind, { address: at, input: undefined }).send({ type: "job.asked" });
  clock.advance(1000);
  assertEquals(attempts, [0, 0, 1]);
});

Deno.test("ActorSystem keeps the last 8 transitions of an actor", () => {
  const { clock, actor, system } = world(() => ({ type: "job.done", result: 1 }));
  for (let count = 0; count < 10; count++) actor.send({ type: "job.asked" });
  clock.run();
  const recent = system.report(at)!.recent;
  assertEquals(recent.length, 8);
  assert(recent.every((transition, index) => index === 0 || transition.sequence > recent[index - 1]!.sequence));
});

Deno.test("actorKind refuses a machine with an order that nobody performs", () => {
  assertThrows(() => actorKind("job", jobMachine, { cancelJob: () => {} }), Error, 'nobody performs order "doJob"');
});

Deno.test("ActorSystem takes a failure told later for one thrown at once", () => {
  const orders: OrderContext<JobEvent>[] = [];
  const { clock, actor } = world((_, given) => void orders.push(given));
  actor.send({ type: "job.asked" });
  clock.run();
  orders[0]!.fail(new Error("no luck"));
  clock.run();
  assertEquals(actor.getSnapshot().value, "waiting");
});

Deno.test("ActorSystem goes on when an observer throws, and tells it nothing more", () => {
  const { clock, actor, system } = world(() => ({ type: "job.done", result: 1 }));
  let told = 0;
  system.inspect(() => {
    told++;
    throw new Error("a bug of who watches");
  });
  actor.send({ type: "job.asked" });
  assertThrows(() => clock.run(), Error, "a bug of who watches");
  clock.run();
  assertEquals([actor.getSnapshot().value, told, system.counters.faults], ["idle", 1, 1]);
});
