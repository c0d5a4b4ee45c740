/** A reduced search against the full one: random systems, and models of what ships. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describeCheck } from "../../../machines/check/check_report.ts";
import { checkSystem, type SystemCheck, type SystemModel } from "../../../machines/check/check_system.ts";
import { plainActor, type Reactions } from "../../../machines/check/plain_actor.ts";
import { stateKey } from "../../../machines/check/state_key.ts";

/** In a state, on a message: what state comes next, and which lower messages go to whom. */
interface Rule {
  readonly next: number;
  readonly sends: readonly { readonly to: number; readonly message: number }[];
}

interface Actor {
  /** By state and message. Absent: the message means nothing there. */
  readonly rules: Readonly<Record<string, Rule>>;
  /** By state: what may come by itself, free of cost if it sends nothing. */
  readonly events: Readonly<Record<string, Rule & { readonly budget: "shared" | "own" }>>;
}

const count = 4;
const states = 3;
const messages = [2, 1, 0];
const sends = fc.array(fc.record({ to: fc.nat(count - 1), message: fc.nat(2) }), { maxLength: 2 });
const rule: fc.Arbitrary<Rule> = fc.record({ next: fc.nat(states - 1), sends });
/** Two of three keys have a value. */
const table = <T>(of: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.record(Object.fromEntries(of.map((key) => [key, fc.option(value, { nil: undefined, freq: 2 })])))
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, each]) => each !== undefined))) as never;
const stateNames = Array.from({ length: states }, (_, state) => String(state));
const actor: fc.Arbitrary<Actor> = fc.record({
  rules: table(stateNames.flatMap((state) => messages.map((message) => `${state} ${message}`)), rule),
  events: table(
    stateNames,
    fc.record({
      next: fc.nat(states - 1),
      sends,
      budget: fc.constantFrom("shared" as const, "own" as const),
    }),
  ),
}) as fc.Arbitrary<Actor>;

const networks: readonly NonNullable<SystemModel["network"]>[] = [
  {},
  { order: "ordered" },
  { losses: "any" },
  { losses: 1 },
  { duplicates: 1 },
  { delivery: "repeated" },
  { unhandled: "stays" },
  { order: "ordered", losses: 1, unhandled: "stays" },
];

function modelOf(actors: readonly Actor[], network: SystemModel["network"], read: readonly number[], bad: number) {
  const system = actors.map(({ rules, events }, index) => {
    const reactions: Reactions<number> = Object.fromEntries(
      messages.map((message) => [`m${message}`, (data: number) => {
        const found = rules[`${data} ${message}`];
        if (found === undefined) return undefined;
        // Only lower messages are sent: it ends.
        const sent = found.sends.filter((each) => each.message < message)
          .map((each) => ({ to: `a${each.to}`, event: { type: `m${each.message}` } }));
        return { data: found.next, sends: sent };
      }]),
    );
    const act = (data: number) => {
      const found = events[data];
      if (found === undefined) return undefined;
      return {
        data: found.next,
        sends: found.sends.map((each) => ({ to: `a${each.to}`, event: { type: `m${each.message}` } })),
      };
    };
    return plainActor<number>(`a${index}`, 0, { ...reactions, acts: act }, {
      events: (data) => {
        const found = events[data];
        if (found === undefined) return [];
        const spends = found.sends.length === 0 ? undefined : found.budget === "own" ? `own${index}` : "shared";
        return [{ event: { type: "acts" }, ...(spends && { spends }) }];
      },
    });
  });
  const ends = new Set<string>();
  const reads = read.map((index) => system[index]!);
  const model: SystemModel = {
    actors: system,
    ...(network && { network }),
    budgets: { shared: 2, ...Object.fromEntries(actors.map((_, index) => [`own${index}`, 1])) },
    always: bad < 0 ? {} : { "nobody is there": (state) => !reads.every((each) => state.of(each).view === bad) },
    sometimes: { "somebody is": (state) => reads.some((each) => state.of(each).view === 2) },
    mayEnd(state) {
      const flying = state.messages.map(({ from, to, event }) => `${from}>${to} ${event.type}`).sort();
      ends.add(stateKey([state.locals.map(({ view }) => view as number), flying]));
      return true;
    },
    limits: { states: 20_000 },
  };
  return { model, reads, ends };
}

const verdictOf = ({ verdict, violations }: SystemCheck) => [verdict, violations.map(({ kind, rule }) => [kind, rule])];

Deno.test("a reduced search of random systems says what the full one says, and comes to the same ends", () => {
  let [full, reduced, smaller] = [0, 0, 0];
  fc.assert(
    fc.property(
      fc.array(actor, { minLength: 3, maxLength: count, size: "max" }),
      fc.constantFrom(...networks),
      fc.subarray([0, 1], { minLength: 1 }),
      fc.oneof(fc.constant(-1), fc.nat(2)),
      (actors, network, read, bad) => {
        const within = actors.map(({ rules, events }) => {
          const known = (each: Rule) => ({ ...each, sends: each.sends.filter(({ to }) => to < actors.length) });
          return {
            rules: Object.fromEntries(Object.entries(rules).map(([key, each]) => [key, known(each)])),
            events: Object.fromEntries(
              Object.entries(events).map(([key, each]) => [key, { ...each, sends: known(each).sends }]),
            ),
          };
        });
        const one = modelOf(within, network, read, bad);
        const other = modelOf(within, network, read, bad);
        const all = checkSystem(one.model);
        const some = checkSystem({ ...other.model, reads: other.reads });
        assertEquals(some.unreduced, undefined);
        assertEquals(verdictOf(some), verdictOf(all), describeCheck(all) + "\n\n" + describeCheck(some));
        if (all.verdict === "incomplete" || all.violations.some(({ kind }) => kind === "always")) return;
        assertEquals([...other.ends].sort(), [...one.ends].sort());
        assertEquals([some.locals, some.uncovered], [all.locals, all.uncovered]);
        full += all.states;
        reduced += some.states;
        if (some.states < all.states) smaller++;
      },
    ),
    { numRuns: Number(Deno.env.get("CHARTROOM_RUNS") ?? 300) },
  );
  console.log(
    `${full} states, reduced ${reduced}: ${(full / reduced).toFixed(2)} times fewer; ${smaller} were smaller`,
  );
  assert(smaller > 20, `only ${smaller} systems were reduced`);
});
