/** Random systems of plain actors that send each other messages; they are data, so that workers can make them too. */
import fc from "fast-check";
import type { SystemModel } from "../../../machines/check/check_system.ts";
import { plainActor, type Reactions } from "../../../machines/check/plain_actor.ts";
import { stateKey } from "../../../machines/check/state_key.ts";

/** In a state, on a message: what state comes next, and which lower messages go to whom. */
export interface Rule {
  readonly next: number;
  readonly sends: readonly { readonly to: number; readonly message: number }[];
}

export interface RandomActor {
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
const actor: fc.Arbitrary<RandomActor> = fc.record({
  rules: table(stateNames.flatMap((state) => messages.map((message) => `${state} ${message}`)), rule),
  events: table(
    stateNames,
    fc.record({
      next: fc.nat(states - 1),
      sends,
      budget: fc.constantFrom("shared" as const, "own" as const),
    }),
  ),
}) as fc.Arbitrary<RandomActor>;

export const networks: readonly NonNullable<SystemModel["network"]>[] = [
  {},
  { order: "ordered" },
  { losses: "any" },
  { losses: 1 },
  { duplicates: 1 },
  { delivery: "repeated" },
  { unhandled: "stays" },
  { order: "ordered", losses: 1, unhandled: "stays" },
];

export function randomSystem(
  actors: readonly RandomActor[],
  network: SystemModel["network"],
  read: readonly number[],
  bad: number,
) {
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

const within = (actors: readonly RandomActor[]): RandomActor[] => {
  const known = <T extends Rule>(rules: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(rules).map(([key, each]) => [key, {
        ...each,
        sends: each.sends.filter(({ to }) => to < actors.length),
      }]),
    );
  return actors.map(({ rules, events }) => ({ rules: known(rules), events: known(events) }));
};

/** Some actors who know each other. */
export const randomActors: fc.Arbitrary<RandomActor[]> = fc.array(actor, {
  minLength: 3,
  maxLength: count,
  size: "max",
})
  .map(within);
