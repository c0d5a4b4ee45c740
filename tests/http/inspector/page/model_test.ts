import { assertEquals, assertThrows } from "@std/assert";
import { matches } from "../../../../http/inspector/page/model/actor_filter.ts";
import { Feed } from "../../../../http/inspector/page/model/feed.ts";
import { causedBy, lanesOf, objectLanesOf } from "../../../../http/inspector/page/model/lanes.ts";
import { standingAt } from "../../../../http/inspector/page/model/playback.ts";
import { Recording } from "../../../../http/inspector/page/model/recording.ts";
import { storyOf } from "../../../../http/inspector/page/model/story.ts";
import { isTrace, recordingOfTrace } from "../../../../http/inspector/page/model/trace_file.ts";
import { severity } from "../../../../http/inspector/page/model/words.ts";
import type { ActorFilter, ServerMessage } from "../../../../ports/inspection.ts";
import { began, chart, hello, machine, podRow, recordsOf } from "../../../browser/fake_stream.ts";

const row = podRow(1, { problems: ["failing"], labels: { app: "web" }, says: "no address is free" });
const records = recordsOf(row);
const list = (rows = [row]): ServerMessage => ({
  ...{ type: "actors", sequence: 1, wallTime: began, rows, offset: 0, matched: rows.length, total: 9 },
  ...{ first: true, last: true },
});

const filters: { name: string; filter: ActorFilter; found: boolean }[] = [
  { name: "kind and namespace", filter: { kind: ["pod"], namespace: ["default"] }, found: true },
  { name: "another node", filter: { node: ["worker-9"] }, found: false },
  { name: "a state from the front", filter: { state: ["active"] }, found: true },
  { name: "no half of a state's name", filter: { state: ["act"] }, found: false },
  { name: "labels", filter: { labels: { app: "web" } }, found: true },
  { name: "every word of a text", filter: { text: "ADDRESS web-1" }, found: true },
  { name: "a problem", filter: { problems: ["down"] }, found: false },
  { name: "any problem", filter: { anyProblem: true }, found: true },
];
for (const { name, filter, found } of filters) {
  Deno.test(`matches looks for ${name}`, () => assertEquals(matches(row, filter), found));
}

Deno.test("Feed folds a list, changes and removals", () => {
  const feed = new Feed();
  feed.apply(list([row, podRow(2)]), 0);
  feed.apply({
    ...{ type: "changes", sequence: 2, wallTime: began, matched: 1, total: 9, added: [podRow(3)] },
    ...{
      changed: [{ id: row.id, states: ["gone"], says: null }],
      removed: [podRow(2).id],
      order: [podRow(3).id, row.id],
    },
  }, 0);
  assertEquals([...feed.rows.values()].map(({ name, states, says }) => [name, states, says]), [
    ["web-3", ["active.running"], undefined],
    ["web-1", ["gone"], undefined],
  ]);
});

Deno.test("Feed keeps each record once, in the order of time", () => {
  const feed = new Feed();
  feed.addRecords([records[1]!]);
  feed.addRecords(records);
  assertEquals(feed.records.get(row.id)?.map(({ sequence }) => sequence), [1, 2]);
});

Deno.test("standingAt tells states, context, timers and orders of a moment", () => {
  const [first, second] = [standingAt(chart, records, 0)!, standingAt(chart, records, 1)!];
  assertEquals([first.orders.map(({ type }) => type), first.timers.length], [["createSandbox"], 0]);
  assertEquals([second.orders.length, second.timers.map(({ delay }) => delay)], [0, ["sandboxBackOff"]]);
  assertEquals(second.context, { sandboxFailures: 1, message: "no address is free" });
  assertEquals(second.explanation.says, ["no address is free"]);
  assertEquals(standingAt(chart, records, 7), undefined);
});

Deno.test("storyOf says what came, from whom, where it led and what was armed", () => {
  assertEquals(storyOf(records)[1], {
    record: records[1]!,
    after: "+100 ms",
    text: "sandbox.failed, the answer to createSandbox, led from active.preparing.sandbox.creating to " +
      'active.preparing.sandbox.backOff ("isPrepared" refused). It said {"message":"no address is free"}. ' +
      'It armed "sandboxBackOff" in 9.8 s.',
  });
});

Deno.test("lanesOf and causedBy connect a message with whom it reached", () => {
  const told = { ...recordsOf(podRow(2))[1]!, sequence: 3, cause: { by: "message", from: row.id } as const };
  const { lanes, steps } = lanesOf([told, ...records]);
  assertEquals(lanes.map(({ id }) => id), [row.id, podRow(2).id]);
  assertEquals(steps.map(({ from, to }) => [from, to]), [[undefined, 0], [undefined, 0], [0, 1]]);
  assertEquals(causedBy(records[1]!, [told, ...records]), [told]);
});

Deno.test("Recording answers as a server would, for every time of it", () => {
  const said: ServerMessage[] = [];
  const lines = [hello("recording"), { type: "machines", machines: { [machine]: chart } }, list(), {
    ...{ type: "records", records, dropped: 0 },
  }];
  const text = lines.map((line) => JSON.stringify(line)).join("\n");
  const recording = new Recording(text, { message: (message) => said.push(message), status() {} });
  recording.send({ type: "seek", request: 1, wallTime: began + 150 });
  const seen = said.at(-1) as Extract<ServerMessage, { type: "seen" }>;
  assertEquals(seen.rows[0]?.states, records[0]!.states);
  assertEquals(recording.rowsAt(recording.to)[0]?.states, records[1]!.states);
});

Deno.test("Recording refuses a file that is none, with the line", () => {
  const listener = { message() {}, status() {} };
  assertThrows(() => new Recording("nonsense", listener), Error, "line 1 is no message: nonsense");
  assertThrows(() => new Recording('{"type":"records"}', listener), Error, 'does not begin with "hello"');
});

Deno.test("severity tells what says why it waits from what is fine", () => {
  assertEquals(severity(row), "bad");
  assertEquals(severity({ ...podRow(1), says: "waits" }), "warn");
  assertEquals(severity(podRow(1)), "good");
});

Deno.test("recordingOfTrace makes a simulation's trace a recording that can be stepped through", () => {
  const trace = [
    "0 fault 1 crash",
    '10 worker-0 #1 worker-0/pod/default/web-0/u1.1 xstate.init by start -> {"active":{"sandbox":"creating","volumes":"mounting"}} [createSandbox,mountVolumes] {}',
    '25 worker-0 #2 worker-0/pod/default/web-0/u1.1 sandbox.failed by order -> {"active":{"sandbox":"backOff","volumes":"mounting"}} [] {xstate.after.sandboxBackOff.pod.active=500}',
    "26 kubelet get pods/default/web-0 at master-0: done 4",
    '40 worker-0 #3 worker-0/pod/default/web-1/u2.1 xstate.init by start -> "looking" [] {}',
  ].join("\n");
  assertEquals([isTrace(trace), isTrace('{"type":"hello"}')], [true, false]);
  const recording = new Recording(recordingOfTrace(trace), { message() {}, status() {} });
  assertEquals(recording.rowsAt(10).map(({ states }) => states), [[
    "active.sandbox.creating",
    "active.volumes.mounting",
  ]]);
  assertEquals(recording.rowsAt(30).map(({ states }) => states), [[
    "active.sandbox.backOff",
    "active.volumes.mounting",
  ]]);
  assertEquals(recording.rowsAt(40).map(({ name }) => name), ["web-0", "web-1"]);
});

Deno.test("objectLanesOf puts those who took part side by side, in the order of an object's way", () => {
  const step = { type: "step", process: "p", trace: "object:u", what: "" } as const;
  const { lanes, steps } = objectLanesOf([
    { ...step, sequence: 4, wallTime: 20, from: "kubelet", to: "Docker" },
    { ...step, sequence: 9, wallTime: 10, from: "API server", to: "log (raft)" },
    { ...step, sequence: 8, wallTime: 10, from: "client", to: "API server" },
  ]);
  assertEquals(lanes, ["client", "API server", "log (raft)", "kubelet", "Docker"]);
  assertEquals(steps.map(({ from, to }) => [from, to]), [[0, 1], [1, 2], [3, 4]]);
});
