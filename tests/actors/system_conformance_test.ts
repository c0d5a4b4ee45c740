/**
 * The explorer's picture of an actor (machines/check/machine_state.ts) is what the actor system really keeps: over
 * random runs both hold the same snapshot, the same outstanding orders and the same armed timers.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type AnyMachineSnapshot, assign, setup } from "xstate";
import { actorKind, ActorSystem, address, type OrderContext, type Transition } from "../../actors/system.ts";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { type MachineState, MachineStates } from "../../machines/check/machine_state.ts";
import { effect } from "../../machines/effect.ts";
import { firstStep, step } from "../../machines/step.ts";

type JobEvent =
  | { type: "part.made"; n: number }
  | { type: "part.failed"; reason: string; message: string }
  | { type: "check.passed" }
  | { type: "job.wanted" }
  | { type: "job.cancelled" };

const jobMachine = setup({
  types: { context: {} as { failures: number }, events: {} as JobEvent },
  actions: {
    makePart: effect<{ n: number }>({ answers: ["part.made", "part.failed"], fails: "part.failed" }),
    checkPart: effect({ answers: ["check.passed"], cancels: ["checkPart"] }),
    dropAll: effect({ answers: [], cancels: ["makePart", "checkPart"] }),
    note: effect({ answers: [] }),
    count: assign({ failures: ({ context }) => Math.min(2, context.failures + 1) }),
  },
  delays: { backOff: ({ context }) => 100 * (context.failures + 1), patience: 250 },
}).createMachine({
  id: "job",
  options: { maxIterations: 100 },
  context: { failures: 0 },
  initial: "idle",
  on: { "job.cancelled": { target: ".idle", actions: { type: "dropAll", params: {} } } },
  states: {
    idle: { on: { "job.wanted": "making" } },
    making: {
      entry: { type: "makePart", params: ({ context }) => ({ n: context.failures }) },
      after: { patience: "idle" }, // Without calling the order off: its answer comes late.
      on: {
        "part.made": "checking",
        "part.failed": { target: "waiting", actions: "count" },
        "job.wanted": { actions: [{ type: "makePart", params: { n: 9 } }, { type: "note", params: {} }] },
      },
    },
    checking: {
      entry: { type: "checkPart", params: {} },
      on: { "check.passed": "idle", "job.wanted": { target: "checking", reenter: true } },
    },
    waiting: { after: { backOff: "making" }, on: { "job.wanted": { target: "waiting", reenter: true } } },
  },
});

/** What a run does next; numbers choose among what is there. */
type Move =
  | { do: "send"; type: "job.wanted" | "job.cancelled" }
  | { do: "answer"; which: number; fails: boolean }
  | { do: "pass"; ms: number }
  /** Lets the run queue go dry; without it facts pile up and overtake each other's orders. */
  | { do: "run" };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    do: fc.constant("send" as const),
    type: fc.constantFrom("job.wanted" as const, "job.cancelled" as const),
  }),
  fc.record({ do: fc.constant("answer" as const), which: fc.nat(5), fails: fc.boolean() }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 99, 100, 250) }),
  fc.record({ do: fc.constant("run" as const) }),
);

interface Given {
  readonly type: "makePart" | "checkPart";
  readonly order: OrderContext<JobEvent>;
}

const at = address({ node: "test", kind: "job", name: "one" });

Deno.test("ActorSystem keeps snapshot, orders and timers as the explorer says", () => {
  const seen = { late: 0, timers: 0, answers: 0, twice: 0 };
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      const clock = new ManualClock();
      const system = new ActorSystem({ clock });
      const given: Given[] = [];
      const kind = actorKind("job", jobMachine, {
        makePart: (_, order) => void given.push({ type: "makePart", order }),
        checkPart: (_, order) => void given.push({ type: "checkPart", order }),
        dropAll() {},
        note() {},
      });
      const states = new MachineStates(jobMachine);
      let model: MachineState<typeof jobMachine> | undefined;
      const follow = ({ event, cause, snapshot }: Transition) => {
        if (cause.by === "start") model = states.after(undefined, firstStep(jobMachine));
        else {
          const before: MachineState<typeof jobMachine> = model!;
          const answered = cause.by === "order"
            ? before.outstanding.find(({ type }) => type === cause.type)
            : undefined;
          const fired = cause.by === "timer" ? before.timers.find(({ id }) => id === cause.id) : undefined;
          assert(cause.by !== "order" || answered !== undefined, `${event.type} answers an order nobody awaits`);
          assert(cause.by !== "timer" || fired !== undefined, `${event.type} of a timer that is not armed`);
          seen.answers += answered === undefined ? 0 : 1;
          seen.timers += fired === undefined ? 0 : 1;
          seen.twice += before.outstanding.length > 1 ? 1 : 0;
          model = states.after(before, step(jobMachine, before.snapshot, event), answered, fired);
        }
        assertEquals(stateOf(snapshot), stateOf(model!.snapshot));
      };
      system.inspect((inspection) => {
        if (inspection.type === "transition") follow(inspection);
      });
      const actor = system.spawn(kind, { address: at, input: undefined });
      for (const next of moves) {
        if (next.do === "send") actor.send({ type: next.type });
        else if (next.do === "pass") clock.advance(next.ms);
        else if (next.do === "run") clock.run();
        else if (given.length > 0) {
          const { type, order } = given.splice(next.which % given.length, 1)[0]!;
          if (type === "checkPart") order.answer({ type: "check.passed" });
          else if (next.fails) order.answer({ type: "part.failed", reason: "Odd", message: "it broke" });
          else order.answer({ type: "part.made", n: order.id });
        }
        if (next.do === "send" || next.do === "answer") continue;
        const { orders, timers } = system.report(at)!;
        assertEquals(orders.map(({ type }) => type).toSorted(), model!.outstanding.map(({ type }) => type).toSorted());
        assertEquals(timers.map(({ id }) => id).toSorted(), model!.timers.map(({ id }) => id).toSorted());
      }
      seen.late += system.counters.lateAnswers;
      system.stopAll();
    }),
    { numRuns: 500, seed: 36 },
  );
  for (const [what, count] of Object.entries(seen)) assert(count > 0, `no run had ${what}`);
});

function stateOf({ value, context, status }: AnyMachineSnapshot) {
  return { value, context, status };
}
