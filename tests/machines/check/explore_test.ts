import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BrokenRule, explore, type Model, replay, TooManyStates } from "../../../machines/check/explore.ts";
import { stateKey } from "../../../machines/check/state_key.ts";

type Jugs = { small: number; big: number };
type Pour = "fill small" | "fill big" | "empty small" | "empty big" | "small to big" | "big to small";

const jugs: Model<Jugs, Pour> = {
  init: { small: 0, big: 0 },
  choices: () => ["fill small", "fill big", "empty small", "empty big", "small to big", "big to small"],
  step({ small, big }, pour) {
    const toBig = Math.min(small, 5 - big);
    const toSmall = Math.min(big, 3 - small);
    switch (pour) {
      case "fill small":
        return { small: 3, big };
      case "fill big":
        return { small, big: 5 };
      case "empty small":
        return { small: 0, big };
      case "empty big":
        return { small, big: 0 };
      case "small to big":
        return { small: small - toBig, big: big + toBig };
      case "big to small":
        return { small: small + toSmall, big: big - toSmall };
    }
  },
  maxStates: 100,
};

Deno.test("explore finds every state of a model and the depth of the farthest", () => {
  assertEquals(explore(jugs), { states: 16, steps: 96, depth: 7, neverSeen: [] });
});

Deno.test("explore tells the shortest story to a broken rule", () => {
  const error = assertThrows(
    () => explore({ ...jugs, always: { "never four": ({ big }) => big !== 4 }, showChoice: (pour) => pour }),
    BrokenRule,
  );
  assertEquals(
    error.message,
    `Broken rule "never four", shortest path, 6 steps:
  1 fill big
  2 big to small
  3 empty small
  4 big to small
  5 fill big
  6 big to small
State: {"small":3,"big":4}
Path: 1.5.2.5.1.5`,
  );
  assertEquals(replay(jugs, error.path).at(-1)?.state, { small: 3, big: 4 });
});

Deno.test("explore names the rules that held nowhere", () => {
  const sometimes = { "four is reached": ({ big }: Jugs) => big === 4, "six is reached": ({ big }: Jugs) => big === 6 };
  assertEquals(explore({ ...jugs, sometimes }).neverSeen, ["six is reached"]);
});

Deno.test("explore checks each step, also those to known states", () => {
  const eachStep = {
    "nothing is poured away": (before: Jugs, _: Pour, after: Jugs) =>
      after.small + after.big >= before.small + before.big,
  };
  const error = assertThrows(() => explore({ ...jugs, eachStep }), BrokenRule);
  assertEquals(error.path, [0, 2]);
});

Deno.test("explore never passes when it did not finish", () => {
  assertThrows(() => explore({ ...jugs, maxStates: 15 }), TooManyStates, "more than maxStates (15) states");
});

Deno.test("explore reports a dead end where states without choices are not the end", () => {
  const count: Model<number, "add"> = {
    init: 0,
    choices: (n) => n < 3 ? ["add"] : [],
    step: (n) => n + 1,
    maxStates: 10,
  };
  assertEquals(explore({ ...count, isEnd: (n) => n === 3 }).states, 4);
  const error = assertThrows(() => explore({ ...count, isEnd: () => false }), BrokenRule, "Dead end");
  assertEquals(error.path, [0, 0, 0]);
});

Deno.test("explore reports a step that throws with the story that leads there", () => {
  const throws: Model<number, "add"> = {
    init: 0,
    choices: () => ["add"],
    step(n) {
      if (n === 2) throw new Error("Cannot add: two is enough");
      return n + 1;
    },
    maxStates: 10,
  };
  const error = assertThrows(() => explore(throws), BrokenRule, "Thrown: Cannot add: two is enough");
  assertStringIncludes(error.message, '  3 "add"');
  assertEquals((error.cause as Error).message, "Cannot add: two is enough");
});

const keys: { name: string; a: unknown; b: unknown; equal: boolean }[] = [
  { name: "does not look at the order of fields", a: { x: 1, y: 2 }, b: { y: 2, x: 1 }, equal: true },
  { name: "tells a number from a string", a: { x: 1 }, b: { x: "1" }, equal: false },
  { name: "tells null from undefined", a: [null], b: [undefined], equal: false },
  { name: "tells nesting apart", a: [[1], 2], b: [[1, 2]], equal: false },
  { name: "tells NaN from null", a: NaN, b: null, equal: false },
  { name: "tells quoted commas apart", a: ["a,b"], b: ["a", "b"], equal: false },
];
for (const { name, a, b, equal } of keys) {
  Deno.test(`stateKey ${name}`, () => assertEquals(stateKey(a) === stateKey(b), equal));
}

for (const value of [new Map(), new Set(), new Date(0), () => {}, new (class Token {})()]) {
  Deno.test(`stateKey refuses ${Deno.inspect(value)}`, () => {
    assertThrows(() => stateKey({ deep: [value] }), Error, "is not plain data");
  });
}
