/** Actors that live and die together, and what stands around them. */
import { assertEquals, assertThrows } from "@std/assert";
import { describeCheck } from "../../../machines/check/check_report.ts";
import { checkSystem, type SystemModel } from "../../../machines/check/check_system.ts";
import { plainActor } from "../../../machines/check/plain_actor.ts";

interface Heard {
  readonly heard: readonly string[];
}

const listener = (name: string) =>
  plainActor<Heard>(name, { heard: [] }, {
    "news.told": ({ heard }, { what, tell }) => ({
      data: { heard: [...heard, what] },
      ...(tell !== undefined && { sends: [{ to: tell, event: { type: "news.told", what: `${what} from ${name}` } }] }),
    }),
  });

/** Somebody outside tells the first, and then the second; the first passes it on to the second. */
function house(
  options: Partial<SystemModel>,
): { model: SystemModel; one: ReturnType<typeof listener>; two: ReturnType<typeof listener> } {
  const [one, two] = [listener("one"), listener("two")];
  const outside = plainActor<{ said: boolean }>("outside", { said: false }, {
    "day.begins": ({ said }) =>
      said ? undefined : {
        data: { said: true },
        sends: [
          { to: "one", event: { type: "news.told", what: "rain", tell: "two" } },
          { to: "two", event: { type: "news.told", what: "sun" } },
        ],
      },
  }, { events: ({ said }) => said ? [] : [{ event: { type: "day.begins" } }] });
  const model: SystemModel = {
    actors: [one, two, outside],
    network: { order: "ordered" },
    limits: { states: 1_000 },
    ...options,
  };
  return { model, one, two };
}

const members = { name: "house", actors: ["one", "two"] };
const heardBy = (
  state: { of(actor: ReturnType<typeof listener>): { view: Heard | undefined } },
  actor: ReturnType<typeof listener>,
) => (state.of(actor).view?.heard ?? []).join();

Deno.test("actors of a process share one inbox: what was sent first comes first, whoever sent it", () => {
  const seen = (processes: SystemModel["processes"]) => {
    const orders = new Set<string>();
    const { model, two } = house(processes === undefined ? {} : { processes });
    checkSystem({ ...model, always: { all: (state) => orders.add(heardBy(state, two)) !== undefined } });
    return [...orders].filter((order) => order.includes(",")).toSorted();
  };
  assertEquals(seen(undefined), ["rain from one,sun", "sun,rain from one"]);
  assertEquals(seen([{ ...members, restarts: () => [] }]), ["sun,rain from one"]);
});

Deno.test("a process crashes as a whole, with what was under way to it, and starts with what is told first of all", () => {
  const tells = { one: { type: "news.told", what: "fire", tell: "two" } };
  const { model, one, two } = house({
    crashes: 1,
    processes: [{ ...members, restarts: () => [{ inputs: { one: undefined, two: undefined }, tells }] }],
  });
  const check = checkSystem({
    ...model,
    always: {
      "they are up or down together": (state) => state.of(one).down === state.of(two).down,
      "what they tell each other at the start has come before anything from outside": (state) =>
        !heardBy(state, one).startsWith("fire") || heardBy(state, two).startsWith("fire from one"),
    },
    eachStep: {
      "a crash takes along what was under way": (_, { move }, after) =>
        move.do !== "crash" || after.messages.every(({ to }) => to !== "one" && to !== "two"),
    },
    sometimes: {
      "it starts again": (state) => heardBy(state, one).startsWith("fire"),
      "it is down": (state) => state.of(one).down,
    },
  });
  assertEquals(check.verdict, "complete", describeCheck(check));
});

Deno.test("processes cannot be combined with symmetry", () => {
  const { model } = house({ processes: [{ ...members, restarts: () => [] }], symmetry: [["one", "two"]] });
  assertThrows(() => checkSystem(model), Error, "it knows no processes");
});
