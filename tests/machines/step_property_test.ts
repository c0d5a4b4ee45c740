/** `step` holds equal to XState's public `transition()` over random charts and events. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  and,
  type AnyMachineSnapshot,
  assign,
  initialTransition,
  not,
  or,
  raise,
  setup,
  stateIn,
  transition,
} from "xstate";
import { effect } from "../../machines/effect.ts";
import { firstStep, step } from "../../machines/step.ts";

const eventTypes = ["a.happened", "b.happened", "c.happened", "c.failed"] as const;
type AnyEvent = { type: (typeof eventTypes)[number] | "raised.inside"; n?: number };

const random = setup({
  types: { context: {} as { n: number; log: string[] }, events: {} as AnyEvent },
  actions: {
    orderWork: effect<{ n: number }>({ answers: ["a.happened"] }),
    orderStop: effect({ answers: [], cancels: ["orderWork"] }),
    count: assign({ n: ({ context }) => (context.n + 1) % 5 }),
    note: assign({ log: ({ context, event }) => [...context.log, event.type].slice(-3) }),
    raiseInside: raise({ type: "raised.inside" }),
    raiseLater: raise({ type: "b.happened" }, { delay: "long", id: "later" }),
  },
  guards: {
    isEven: ({ context }) => context.n % 2 === 0,
    isFirst: ({ context }) => context.n === 1,
    isRefused: () => false,
    isEvenFirst: and(["isEven", "isFirst"]),
    isEither: or([not("isEven"), stateIn("#s1")]),
    isLarge: (_, params: { than: number; n: number }) => params.n > params.than,
  },
  delays: { long: ({ context }) => 1000 * (context.n + 1), short: 10 },
});

type Gen = fc.GeneratorValue;

function anyTransition(gen: Gen, ids: readonly string[]): object {
  const actions = gen(() =>
    fc.subarray(
      [
        { type: "orderWork", params: ({ context }: { context: { n: number } }) => ({ n: context.n }) },
        { type: "orderStop", params: {} },
        "count",
        "note",
        "raiseInside",
        "raiseLater",
      ] as const,
      { maxLength: 3 },
    )
  );
  const guard = gen(() =>
    fc.constantFrom<unknown>(undefined, undefined, "isEven", "isFirst", "isRefused", "isEvenFirst", "isEither", {
      type: "isLarge",
      params: ({ context }: { context: { n: number } }) => ({ than: 2, n: context.n }),
    })
  );
  const target = gen(() => fc.constantFrom<string | undefined>(undefined, ...ids));
  const reenter = gen(() => fc.boolean());
  return {
    actions,
    ...(guard !== undefined && { guard }),
    ...(target !== undefined && { target: `#${target}`, reenter }),
  };
}

interface Shape {
  readonly id: string;
  type: string;
  readonly below: Shape[];
}

/** A chart of up to 12 states, of every type, with guards, delays, eventless and raised transitions. */
function anyMachine(gen: Gen) {
  const ids: string[] = [];
  let budget = 12;
  const shape = (depth: number): Shape => {
    const id = `s${ids.length}`;
    budget--;
    const wanted = depth === 0
      ? "compound"
      : gen(() => fc.constantFrom("atomic", "atomic", "compound", "parallel", "history", "final"));
    const type = depth > 2 && (wanted === "compound" || wanted === "parallel") ? "atomic" : wanted;
    ids.push(id);
    const below: Shape[] = [];
    if (type === "compound" || type === "parallel") {
      const count = gen(() => fc.integer({ min: 2, max: 3 }));
      for (let index = 0; index < count && (index < 2 || budget > 0); index++) below.push(shape(depth + 1));
      // The first is entered by itself, so it is one that somebody can be in; regions are not final or history.
      for (const [index, each] of below.entries()) {
        if ((index === 0 || type === "parallel") && ["history", "final"].includes(each.type)) each.type = "atomic";
      }
    }
    return { id, type, below };
  };
  const tree = shape(0);
  const node = ({ id, type, below }: Shape): Record<string, unknown> => {
    if (type === "history") return { id, type, history: gen(() => fc.constantFrom("shallow", "deep")) };
    if (type === "final") return { id, type };
    const table = (keys: readonly string[]) =>
      Object.fromEntries(
        gen(() => fc.subarray([...keys])).map((key) => [
          key,
          Array.from({ length: gen(() => fc.integer({ min: 1, max: 2 })) }, () => anyTransition(gen, ids)),
        ]),
      );
    return {
      id,
      ...(type === "parallel" && { type }),
      ...(below.length > 0 && type === "compound" && { initial: below[0]!.id }),
      ...(below.length > 0 && { states: Object.fromEntries(below.map((each) => [each.id, node(each)])) }),
      entry: gen(() => fc.subarray(["count", "note"])),
      exit: gen(() => fc.subarray(["note"])),
      on: table([...eventTypes, "c.*", "raised.inside"]),
      after: table(["long", "short"]),
      ...(gen(() => fc.integer({ min: 0, max: 3 })) === 0 && {
        always: [{ ...anyTransition(gen, ids), guard: "isFirst" }],
      }),
    };
  };
  // The chart is drawn at random: no type can know its targets.
  const config = { ...node(tree), context: { n: 0, log: [] }, options: { maxIterations: 50 } };
  return random.createMachine(config as Parameters<typeof random.createMachine>[0]);
}

interface Executable {
  readonly type: string;
  readonly params?: unknown;
}

/** What `step` makes of actions, said a second time, slowly. */
function divide(actions: readonly Executable[]) {
  const orders = actions.filter(({ type }) => type === "orderWork" || type === "orderStop")
    .map(({ type, params }) => ({ type, params }));
  const timers = actions.flatMap(({ type, params }): unknown[] => {
    const said = params as { id?: string; delay?: number; event?: unknown; sendId?: string };
    if (type === "xstate.raise" && said.delay !== undefined) {
      return [{ id: said.id, delayMs: said.delay, event: said.event }];
    }
    if (type === "xstate.cancel") return [{ id: said.sendId ?? params, delayMs: undefined, event: undefined }];
    return [];
  });
  return { orders, timers };
}

const plain = (snapshot: AnyMachineSnapshot) => JSON.stringify(snapshot);

type Outcome = { snapshot: AnyMachineSnapshot; orders: unknown; timers: unknown } | { thrown: string };

function outcome(body: () => Outcome): Outcome {
  try {
    return body();
  } catch (error) {
    return { thrown: (error as Error).message };
  }
}

Deno.test("step makes of any chart and any events what XState's transition makes of them", () => {
  const seen = { orders: 0, timers: 0, thrown: 0, done: 0, history: 0 };
  fc.assert(
    fc.property(fc.gen(), fc.array(fc.constantFrom(...eventTypes), { maxLength: 12 }), (gen, events) => {
      const machine = anyMachine(gen);
      const compare = (ours: () => Outcome, theirs: () => Outcome) => {
        const [our, their] = [outcome(ours), outcome(theirs)];
        if ("thrown" in our || "thrown" in their) {
          assertEquals("thrown" in our && our.thrown, "thrown" in their && their.thrown);
          seen.thrown++;
          return undefined;
        }
        assertEquals(plain(our.snapshot), plain(their.snapshot));
        assertEquals({ orders: our.orders, timers: our.timers }, { orders: their.orders, timers: their.timers });
        seen.orders += (our.orders as unknown[]).length;
        seen.timers += (our.timers as unknown[]).length;
        seen.done += our.snapshot.status === "done" ? 1 : 0;
        seen.history += Object.keys(our.snapshot.historyValue).length;
        return our;
      };
      let last = compare(
        () => firstStep(machine),
        () => {
          const [snapshot, actions] = initialTransition(machine);
          if (snapshot.status === "error") throw snapshot.error;
          return { snapshot, ...divide(actions as unknown as Executable[]) };
        },
      );
      let before = last?.snapshot;
      const armed = new Map<string, AnyEvent>();
      for (const type of events) {
        if (last === undefined || before === undefined || before.status !== "active") return;
        for (const { id, event } of last.timers as { id: string; event: AnyEvent | undefined }[]) {
          if (event === undefined) armed.delete(id);
          else armed.set(id, event);
        }
        // Every fourth event is a timer that is armed.
        const timer = [...armed.keys()][0];
        const event = type === "c.failed" && timer !== undefined ? armed.get(timer)! : { type };
        if (timer !== undefined && event === armed.get(timer)) armed.delete(timer);
        const snapshot = before;
        last = compare(
          () => step(machine, snapshot as never, event),
          () => {
            const [next, actions] = transition(machine, snapshot as never, event);
            return { snapshot: next, ...divide(actions as unknown as Executable[]) };
          },
        );
        before = last?.snapshot;
      }
    }),
    { numRuns: 300, seed: 36 },
  );
  // A comparison of charts in which nothing happens would prove nothing.
  for (const [what, count] of Object.entries(seen)) assert(count > 0, `no ${what} were compared`);
});

Deno.test("step tells the outcome of every named guard it asked, composed ones after those they ask", () => {
  const machine = setup({
    types: { events: {} as { type: "door.opened" } },
    guards: { isDay: () => true, isWarm: () => false, isPleasant: and(["isDay", "isWarm"]), isOut: stateIn("#out") },
  }).createMachine({
    id: "cat",
    options: { maxIterations: 100 },
    initial: "in",
    states: {
      in: { on: { "door.opened": [{ guard: "isPleasant", target: "out" }, { guard: not("isOut"), target: "out" }] } },
      out: { id: "out" },
    },
  });
  assertEquals(step(machine, firstStep(machine).snapshot, { type: "door.opened" }).guards, [
    { guard: "isDay", passed: true },
    { guard: "isWarm", passed: false },
    { guard: "isPleasant", passed: false },
    { guard: "isOut", passed: false },
  ]);
});

Deno.test("step that throws leaves the snapshot as it was and says nothing of what it had begun", () => {
  const machine = setup({
    types: { context: {} as { n: number }, events: {} as { type: "work.asked" } | { type: "bomb.armed" } },
    actions: {
      orderWork: effect<{ n: number }>({ answers: [] }),
      count: assign({ n: ({ context }) => context.n + 1 }),
      explode: assign({
        n: () => {
          throw new Error("boom");
        },
      }),
    },
  }).createMachine({
    id: "fragile",
    options: { maxIterations: 100 },
    context: { n: 0 },
    on: {
      "work.asked": { actions: ["count", { type: "orderWork", params: ({ context }) => ({ n: context.n }) }] },
      "bomb.armed": { actions: [{ type: "orderWork", params: { n: 99 } }, "count", "explode"] },
    },
  });
  const { snapshot } = firstStep(machine);
  const before = JSON.stringify(snapshot);
  assertThrows(() => step(machine, snapshot, { type: "bomb.armed" }), Error, "boom");
  assertEquals(JSON.stringify(snapshot), before);
  const after = step(machine, snapshot, { type: "work.asked" });
  assertEquals([after.orders, after.snapshot.context], [[{ type: "orderWork", params: { n: 1 } }], { n: 1 }]);
});

Deno.test("step of a machine that throws at its start throws as well", () => {
  const machine = setup({}).createMachine({
    id: "stillborn",
    options: { maxIterations: 100 },
    context: () => {
      throw new Error("no context");
    },
  });
  assertThrows(() => firstStep(machine), Error, "no context");
});
