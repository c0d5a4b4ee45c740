import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { setup } from "xstate";
import { ManualClock } from "../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../actors/system.ts";
import { chartText } from "../../commands/chart.ts";
import { recordInWords } from "../../commands/events.ts";
import { causesInWords, causesOf } from "../../commands/explain_causes.ts";
import { queryOf } from "../../commands/inspection_reader.ts";
import { machines } from "../../commands/machine_table.ts";
import { ActorTable } from "../../commands/watch.ts";
import { effect } from "../../machines/effect.ts";
import type { ActorRow, TransitionRecord } from "../../ports/inspection.ts";
import { shippedMachines } from "../../tools/shipped_machines.ts";

const row: ActorRow = {
  ...{
    id: "worker-0/pod/default/web-0/u1",
    node: "worker-0",
    kind: "pod",
    namespace: "default",
    name: "web-0",
    uid: "u1",
  },
  ...{ machine: "pod.1", states: ["active.running"], status: "active", since: 1_000, incarnation: 1, tags: [] },
  ...{ problems: [], last: 1, transitions: 1, unhandled: 0 },
};

const record: TransitionRecord = {
  ...{ type: "transition", id: row.id, sequence: 7, process: "worker-0", at: 1, wallTime: 43_200_123, incarnation: 1 },
  event: { type: "image.pulled" },
  cause: { by: "order", order: 1, type: "pullImage" },
  ...{ trace: "worker-0:7", edges: [3], guards: [{ guard: "isAllowed", passed: false }] },
  orders: [{ type: "startContainer", params: {} }],
  ...{ timers: [], states: ["starting"], status: "active", delta: { set: {}, unset: [] } },
};

Deno.test("events are told as sentences: when, who, what, why, where to, what was ordered", () => {
  assertEquals(
    recordInWords(record),
    "12:00:00.123  worker-0  pod/default/web-0  image.pulled, the answer to pullImage: starting  " +
      "(refused: isAllowed)  -> startContainer",
  );
  assertStringIncludes(recordInWords({ ...record, edges: [] }), "is not handled here");
});

Deno.test("watch shows problems first, and keeps its table by the changes that it is told", () => {
  const table = new ActorTable();
  const other = { ...row, id: "worker-0/pod/default/web-1/u2", name: "web-1" };
  const list = { sequence: 1, wallTime: 61_000, matched: 2, total: 9 };
  assert(table.take({ type: "actors", ...list, rows: [row, other], offset: 0, first: true, last: true }));
  assertStringIncludes(table.lines(200, 20)[1]!, "web-0");
  const changed = [{ id: other.id, problems: ["down" as const], says: "no image" }];
  assert(table.take({ type: "changes", ...list, sequence: 2, added: [], changed, removed: [] }));
  const [, first, second, last] = table.lines(200, 20);
  assertStringIncludes(first!, "down: no image");
  assertStringIncludes(second!, "web-0");
  assertEquals(last, "2 of 9 actors");
  table.take({ type: "changes", ...list, sequence: 3, added: [], changed: [], removed: [row.id, other.id] });
  assertEquals(table.lines(200, 20).at(-1), "0 of 9 actors");
});

const selectors: readonly [selector: string | undefined, query: string][] = [
  ["pod/web-0", "kind=pod&name=web-0"],
  ["app=web", "label=app%3Dweb"],
  ["stuck web", "text=stuck+web"],
  [undefined, ""],
];
for (const [selector, query] of selectors) {
  Deno.test(`the selector ${selector} asks for ${query || "everybody"}`, () => {
    assertEquals(String(queryOf(selector, {})), query);
  });
}

Deno.test("chartroom chart knows every machine that ships, in each of its formats", async () => {
  const shipped = (await shippedMachines()).map(({ id }) => id).sort();
  assertEquals(Object.keys(machines).sort(), shipped);
  assertStringIncludes(await chartText("kube-proxy", "mermaid"), "stateDiagram-v2");
  assertStringIncludes(await chartText("pod", "svg"), "<svg");
  assertEquals(JSON.parse(await chartText("lease", "json")).id, "lease");
  assertEquals(JSON.parse(await chartText("lease", "xstate")).id, "lease");
  await assertRejects(() => chartText("nothing", "svg"), Error, 'Cannot draw "nothing"');
});

Deno.test("explain tells how it came about, across actors", () => {
  const bellMachine = setup({
    types: { events: {} as { type: "bell.rung" } },
    actions: { callButler: effect() },
  }).createMachine({
    id: "bell",
    options: { maxIterations: 100 },
    on: { "bell.rung": { actions: { type: "callButler", params: {} } } },
  });
  const butlerMachine = setup({ types: { events: {} as { type: "call.heard" } } }).createMachine({
    id: "butler",
    options: { maxIterations: 100 },
    initial: "resting",
    states: { resting: { on: { "call.heard": "coming" } }, coming: {} },
  });
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const at = (name: string) => address({ node: "house", kind: name, name });
  const bell = actorKind("bell", bellMachine, {
    callButler: (_, order) => order.tell(at("butler"), { type: "call.heard" }),
  });
  system.spawn(bell, { address: at("bell"), input: undefined });
  system.spawn(actorKind("butler", butlerMachine, {}), { address: at("butler"), input: undefined });
  system.tell(at("bell"), { type: "bell.rung" });
  clock.run();
  assertEquals(causesInWords(causesOf(system, system.report(at("butler"))!)), [
    "How it came about:",
    "  bell/bell: bell.rung, ordered callButler",
    "  butler/butler: call.heard",
  ]);
  assertEquals(causesInWords(causesOf(system, system.report(at("bell"))!)), []);
});
