import { assertEquals } from "@std/assert";
import plugin from "../../../tools/lint/house_rules.ts";

const setupOf = (config: string) => `setup({}).createMachine({ options: { maxIterations: 9 }, ${config} });`;

/** `refuses`: ids of rules, without "house/". */
const cases: { name: string; file?: string; code: string; refuses: string[] }[] = [
  { name: "refuses Deno in a machine", code: "Deno.readTextFileSync('x');", refuses: ["machine-is-pure"] },
  { name: "refuses fetch in a machine", code: "fetch('x');", refuses: ["machine-is-pure"] },
  { name: "refuses crypto in a machine", code: "crypto.randomUUID();", refuses: ["machine-is-pure"] },
  { name: "refuses the console in a machine", code: "console.log(1);", refuses: ["machine-is-pure"] },
  { name: "refuses timers in a machine", code: "setTimeout(() => {}, 1);", refuses: ["machine-is-pure"] },
  { name: "refuses Math.random in a machine", code: "Math.random();", refuses: ["machine-is-pure"] },
  {
    name: "refuses the current date in a machine",
    code: "new Date(); Date.now();",
    refuses: ["machine-is-pure", "machine-is-pure"],
  },
  {
    name: "allows computing with dates in a machine",
    code: "new Date(5).toISOString(); Date.UTC(2026, 1);",
    refuses: [],
  },
  {
    name: "allows fields named like the world in a machine",
    code: "order.fetch(); ({ Deno: 1, console: 2 });",
    refuses: [],
  },
  {
    name: "refuses async functions in a machine",
    code: "async function f() { await g; }",
    refuses: ["machine-is-pure", "machine-is-pure"],
  },
  { name: "refuses node modules in a machine", code: 'import fs from "node:fs";', refuses: ["machine-is-pure"] },
  {
    name: "refuses child actors in a machine",
    code: 'import { assign, spawnChild } from "xstate";',
    refuses: ["machine-has-no-children"],
  },
  { name: "refuses invoke in a chart", code: setupOf("invoke: { src: 'x' }"), refuses: ["machine-has-no-children"] },
  { name: "refuses an inline guard", code: setupOf("on: { x: { guard: () => true } }"), refuses: ["named-in-charts"] },
  {
    name: "allows a named guard with params",
    code: setupOf("on: { x: { guard: { type: 'g', params: () => ({}) } } }"),
    refuses: [],
  },
  {
    name: "refuses an inline action in a list",
    code: setupOf("entry: ['named', assign({})]"),
    refuses: ["named-in-charts"],
  },
  {
    name: "refuses a delay in milliseconds",
    code: setupOf("after: { 1000: 'x', backOff: 'y' }"),
    refuses: ["named-in-charts"],
  },
  {
    name: "refuses a machine without a bound",
    code: "setup({}).createMachine({ id: 'x' });",
    refuses: ["machine-bounds-iterations"],
  },
  {
    name: "refuses an effect outside setup",
    code: "const start = effect({ answers: [] });",
    refuses: ["effect-in-setup"],
  },
  {
    name: "allows an effect inside setup",
    code: "setup({ actions: { start: effect({ answers: [] }) } });",
    refuses: [],
  },
  {
    name: "refuses Deno in an actor",
    file: "actors/pod_actor.ts",
    code: "Deno.cwd();",
    refuses: ["deno-in-its-places"],
  },
  { name: "allows Deno in a real port", file: "actors/disk/real_disk.ts", code: "Deno.cwd();", refuses: [] },
  {
    name: "refuses Deno in a simulated port",
    file: "actors/simulated/disk.ts",
    code: "Deno.cwd();",
    refuses: ["deno-in-its-places"],
  },
  { name: "refuses Deno in the API server", file: "http/app.ts", code: "Deno.cwd();", refuses: ["deno-in-its-places"] },
  { name: "allows Deno in the listener", file: "http/server/listener.ts", code: "Deno.cwd();", refuses: [] },
  {
    name: "refuses the clock in an actor",
    file: "actors/pod_actor.ts",
    code: "Date.now(); setTimeout(f);",
    refuses: ["time-through-ports", "time-through-ports"],
  },
  { name: "allows the clock in the real clock", file: "actors/real/real_clock.ts", code: "Date.now();", refuses: [] },
  {
    name: "allows everything in tests",
    file: "tests/x_test.ts",
    code: "Deno.cwd(); Date.now(); throw new Error('x');",
    refuses: [],
  },
  {
    name: "refuses an error that does not say what cannot be done",
    file: "http/app.ts",
    code: "throw new Error(`bad ${x}`);",
    refuses: ["error-says-what-cannot-be-done"],
  },
  {
    name: "allows an error in the house's grammar",
    file: "http/app.ts",
    code: "throw new Error(`Cannot bind ${x}`);",
    refuses: [],
  },
  {
    name: "allows an error whose text it cannot know",
    file: "http/app.ts",
    code: "throw new Error(text);",
    refuses: [],
  },
];

for (const { name, file = "machines/x_machine.ts", code, refuses } of cases) {
  Deno.test(`the house rules: lint ${name}`, () => {
    const path = new URL(`../../../${file}`, import.meta.url).pathname;
    assertEquals(Deno.lint.runPlugin(plugin, path, code).map(({ id }) => id.replace("house/", "")), refuses);
  });
}

Deno.test("the house rules say what to do instead", () => {
  const path = new URL("../../../machines/x_machine.ts", import.meta.url).pathname;
  const [found] = Deno.lint.runPlugin(plugin, path, "Math.random();");
  assertEquals([found?.message, found?.hint], [
    "A machine only decides: no Math.random here",
    "take it from the event or the input",
  ]);
});
