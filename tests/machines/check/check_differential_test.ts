/** `checkSystem` against second versions of it that are slow and obvious. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type AnyStateMachine, type EventObject, setup, type SnapshotFrom } from "xstate";
import { describeCheck } from "../../../machines/check/check_report.ts";
import { checkSystem, type NetworkModel, systemActor, type SystemModel } from "../../../machines/check/check_system.ts";
import { explore } from "../../../machines/check/explore.ts";
import { stateKey } from "../../../machines/check/state_key.ts";
import { effect } from "../../../machines/effect.ts";
import { firstStep, type Order, step } from "../../../machines/step.ts";

// Random walkers that send each other messages.

/** In each state, for each message: where it leads and what is sent to the other. */
type Rules = Readonly<Record<string, Readonly<Record<string, { to: string; send?: string }>>>>;

const stateNames = ["p", "q", "r"];
const messageNames = ["m", "n", "o"];
const rule = fc.record(
  { to: fc.constantFrom(...stateNames), send: fc.constantFrom(...messageNames) },
  { requiredKeys: ["to"] },
);
const rules: fc.Arbitrary<Rules> = fc.record(
  Object.fromEntries(
    stateNames.map((name) => [
      name,
      fc.record(Object.fromEntries(messageNames.map((message) => [message, rule])), { requiredKeys: [] }),
    ]),
  ),
) as fc.Arbitrary<Rules>;

function machineOf(chart: Rules): AnyStateMachine {
  return setup({ types: { events: {} as { type: string } }, actions: { send: effect<{ message: string }>() } })
    .createMachine({
      id: "walker",
      options: { maxIterations: 100 },
      initial: "p",
      states: Object.fromEntries(
        Object.entries(chart).map(([name, on]) => [name, {
          on: Object.fromEntries(
            Object.entries(on).map(([message, { to, send }]) => [message, {
              target: to,
              actions: send === undefined ? [] : [{ type: "send", params: { message: send } }],
            }]),
          ),
        }]),
      ),
    });
}

interface Plain {
  readonly snapshots: readonly SnapshotFrom<AnyStateMachine>[];
  readonly flying: readonly { to: number; type: string }[];
  readonly losses: number;
  readonly duplicates: number;
  readonly starts: number;
}

/** How many states two walkers have: everything spelled out, nothing interned, remembered or hashed. */
function countPlainly(machines: readonly AnyStateMachine[], network: NetworkModel, starts: number): number {
  const isOrdered = network.order === "ordered";
  const act = (state: Plain, who: number, event: EventObject): Plain | undefined => {
    const made = step(machines[who]!, state.snapshots[who]!, event);
    if (made.edges.length === 0) return undefined;
    const sent = made.orders.map((order: Order) => ({
      to: 1 - who,
      type: (order.params as { message: string }).message,
    }));
    return { ...state, snapshots: state.snapshots.with(who, made.snapshot), flying: [...state.flying, ...sent] };
  };
  const mayFly = (state: Plain, at: number) =>
    !isOrdered || state.flying.findIndex(({ to }) => to === state.flying[at]!.to) === at;
  const { states } = explore<Plain, readonly [string, number]>({
    init: {
      snapshots: machines.map((machine) => firstStep(machine).snapshot),
      flying: [],
      losses: Number(network.losses ?? 0),
      duplicates: network.duplicates ?? 0,
      starts,
    },
    choices: (state) => [
      ...state.flying.flatMap((_, at) =>
        mayFly(state, at) ? (["deliver", "lose", "duplicate"].map((what) => [what, at] as const)) : []
      ),
      ...[0, 1].map((who) => ["start", who] as const),
    ],
    step(state, [what, at]) {
      if (what === "start") {
        return state.starts === 0 ? undefined : act({ ...state, starts: state.starts - 1 }, at, { type: "m" });
      }
      const message = state.flying[at]!;
      const rest = { ...state, flying: state.flying.toSpliced(at, 1) };
      if (what === "lose") return state.losses === 0 ? undefined : { ...rest, losses: state.losses - 1 };
      if (what === "deliver") return act(rest, message.to, { type: message.type }) ?? rest;
      if (state.duplicates === 0) return undefined;
      return { ...state, flying: [...state.flying, message], duplicates: state.duplicates - 1 };
    },
    key({ snapshots, flying, ...budgets }) {
      const channels = [0, 1].map((to) => flying.filter((each) => each.to === to).map(({ type }) => type));
      const network = channels.map((channel) => isOrdered ? channel : channel.toSorted());
      return stateKey([snapshots.map(({ value }) => value), network, budgets]);
    },
    maxStates: 3000,
  });
  return states;
}

Deno.test("checkSystem finds as many states as a search that remembers and hashes nothing", () => {
  const networks = fc.record({
    order: fc.constantFrom<"ordered" | "unordered">("ordered", "unordered"),
    losses: fc.nat(1),
    duplicates: fc.nat(1),
  });
  let compared = 0;
  fc.assert(
    fc.property(rules, rules, networks, fc.integer({ min: 1, max: 2 }), (one, other, network, starts) => {
      const machines = [machineOf(one), machineOf(other)];
      const actors = machines.map((machine, index) =>
        systemActor(`${index}`, machine, {
          events: [{ event: { type: "m" }, spends: "starts" }],
          sends: { send: ({ message }: { message: string }) => ({ to: `${1 - index}`, event: { type: message } }) },
        })
      );
      const check = checkSystem({ actors, network, budgets: { starts }, limits: { states: 3000 } });
      if (check.verdict !== "complete") return; // Messages that beget messages: without end in both.
      compared++;
      assertEquals(check.states, countPlainly(machines, network, starts), describeCheck(check));
    }),
    { numRuns: 60, seed: 11 },
  );
  assertEquals(compared > 30, true, `only ${compared} were compared`);
});

// Random rounds: whether some fair run stays out of a state for ever.

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

const size = 5;
const edgesOf = fc.array(
  fc.record({ from: fc.nat(size - 1), to: fc.nat(size - 1), name: fc.constantFrom("x", "y", "z") }),
  { minLength: 3, maxLength: 9 },
).map((edges) =>
  edges.filter(({ from, to, name }, index) =>
    from !== to && edges.findIndex((other) => other.from === from && other.name === name) === index
  )
);

/** Looks at every set of states: is there one that a fair run may go round in, and does something lead there? */
function mayStayOut(edges: readonly Edge[], goal: number, weak: readonly string[], strong: readonly string[]): boolean {
  const enabled = (state: number, name: string) => edges.some((edge) => edge.from === state && edge.name === name);
  const reach = (from: number, allowed: (state: number) => boolean) => {
    const seen = new Set([from]);
    for (const state of seen) {
      for (const edge of edges) if (edge.from === state && allowed(edge.to)) seen.add(edge.to);
    }
    return seen;
  };
  if (goal === 0) return false;
  const reachable = reach(0, (state) => state !== goal);
  for (let bits = 1; bits < 1 << size; bits++) {
    const members = Array.from({ length: size }, (_, state) => state).filter((state) => bits >> state & 1);
    if (!members.every((state) => reachable.has(state))) continue;
    const isMember = (state: number) => members.includes(state);
    if (!members.every((state) => members.every((other) => reach(state, isMember).has(other)))) continue;
    const taken = (name: string) =>
      edges.some((edge) => edge.name === name && isMember(edge.from) && isMember(edge.to));
    const isFair = weak.every((name) => taken(name) || !members.every((state) => enabled(state, name))) &&
      strong.every((name) => taken(name) || !members.some((state) => enabled(state, name)));
    if (isFair) return true;
  }
  return false;
}

Deno.test("checkSystem finds a fair round exactly where looking at every set of states finds one", () => {
  const names = fc.subarray(["x", "y", "z"]);
  const verdicts = { complete: 0, violated: 0 };
  fc.assert(
    fc.property(edgesOf, fc.nat(size - 1), names, names, (edges, goal, weak, strong) => {
      const machine: AnyStateMachine = setup({ types: { events: {} as { type: string } } }).createMachine({
        id: "graph",
        options: { maxIterations: 100 },
        initial: "n0",
        states: Object.fromEntries(
          Array.from({ length: size }, (_, state) => [`n${state}`, {
            on: Object.fromEntries(
              edges.filter(({ from }) => from === state).map(({ name, to }) => [name, `n${to}`]),
            ),
          }]),
        ),
      });
      const walker = systemActor("walker", machine, {
        events: ["x", "y", "z"].map((type) => ({ event: { type } })),
      });
      const fair = (types: readonly string[]): NonNullable<NonNullable<SystemModel["fairness"]>["weak"]> => [
        (move) => move.do === "event" && types.includes(move.event.type) ? move.event.type : undefined,
      ];
      const check = checkSystem({
        actors: [walker],
        limits: { states: 100 },
        fairness: { weak: fair(weak), strong: fair(strong) },
        eventually: { "arrives": (state) => state.of(walker).is(`n${goal}`) },
      });
      const expected = mayStayOut(edges, goal, weak, strong) ? "violated" : "complete";
      verdicts[expected]++;
      assertEquals(check.verdict, expected, describeCheck(check));
    }),
    { numRuns: 400, seed: 5 },
  );
  assertEquals(verdicts.complete > 50 && verdicts.violated > 50, true, JSON.stringify(verdicts));
});
