import type { Attributes, Context, Span, SpanContext, SpanOptions, Tracer } from "@opentelemetry/api";
import { assertEquals } from "@std/assert";
import { setup } from "xstate";
import { SpanRecorder } from "../../../actors/inspection/span_recorder.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import { effect } from "../../../machines/effect.ts";

interface Told {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly id: string;
  readonly parent: string | undefined;
  readonly trace: string;
  readonly attributes: Attributes;
}

/** Tracers of OpenTelemetry give a child its parent's trace. */
function listener(): { spans: Told[]; recorder: SpanRecorder } {
  const spans: Told[] = [];
  const tracer = {
    startSpan(name: string, { startTime, attributes }: SpanOptions, context?: Context) {
      const parent = context as unknown as SpanContext | undefined;
      const id = `span-${spans.length}`;
      const trace = parent?.traceId ?? `trace-${spans.length}`;
      return {
        spanContext: () => ({ traceId: trace, spanId: id, traceFlags: 1 }),
        setStatus() {},
        end(to: number) {
          const from = startTime as number;
          spans.push({ name, from, to, id, trace, parent: parent?.spanId, attributes: attributes! });
        },
      } as unknown as Span;
    },
  } as unknown as Tracer;
  return { spans, recorder: new SpanRecorder({ tracer, within: (parent) => parent as unknown as Context }) };
}

const workerMachine = setup({
  types: {
    context: {} as Record<string, never>,
    events: {} as { type: "work.asked"; secret: string } | { type: "tool.found" },
  },
  actions: { findTool: effect({ answers: ["tool.found"] }), tellFriend: effect() },
  delays: { rest: 5_000 },
}).createMachine({
  id: "worker",
  context: {},
  initial: "idle",
  states: {
    idle: { on: { "work.asked": { target: "looking", actions: { type: "tellFriend", params: {} } } } },
    looking: { entry: { type: "findTool", params: {} }, on: { "tool.found": "resting" } },
    resting: { after: { rest: "idle" } },
  },
});

const friendMachine = setup({
  types: { events: {} as { type: "news.came" } },
}).createMachine({ id: "friend", initial: "idle", states: { idle: { on: { "news.came": {} } } } });

/** A worker and a friend in a process, of which `hear` is told; `found` answers the worker's order. */
function world(recorder: SpanRecorder) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const friend = address({ node: "n", kind: "friend" });
  const worker = address({ node: "n", kind: "worker", namespace: "default", name: "web-0", uid: "u1" });
  system.spawn(actorKind("friend", friendMachine, {}), { address: friend, input: {} });
  let answer = () => {};
  const kind = actorKind("worker", workerMachine, {
    findTool: (_, order) => {
      answer = () => order.answer({ type: "tool.found" });
    },
    tellFriend: (_, order) => order.tell(friend, { type: "news.came" }),
  });
  system.spawn(kind, { address: worker, input: {} });
  system.inspect(recorder.hear);
  return { clock, system, worker, found: () => answer() };
}

Deno.test("SpanRecorder makes one trace of what an event brings about, each span as long as its cause took", () => {
  const { spans, recorder } = listener();
  const { clock, system, worker, found } = world(recorder);
  system.tell(worker, { type: "work.asked", secret: "s3cr3t-planted" });
  clock.run();
  const asked = clock.wallTime();
  clock.advance(300);
  found();
  clock.run();
  const [work, news, tool] = spans as [Told, Told, Told];
  assertEquals(
    [work, news, tool].map(({ name, from, to, parent, trace }) => ({
      name,
      from: from - asked,
      to: to - asked,
      parent,
      trace,
    })),
    [
      { name: "worker work.asked", from: 0, to: 0, parent: undefined, trace: "trace-0" },
      { name: "friend news.came", from: 0, to: 0, parent: work.id, trace: "trace-0" },
      { name: "worker tool.found", from: 0, to: 300, parent: work.id, trace: "trace-0" },
    ],
  );
});

Deno.test("SpanRecorder begins another trace with what a timer sets off", () => {
  const { spans, recorder } = listener();
  const { clock, system, worker, found } = world(recorder);
  system.tell(worker, { type: "work.asked", secret: "" });
  clock.run();
  found();
  clock.advance(5_000);
  assertEquals(spans.map(({ attributes, parent }) => [attributes["chartroom.cause"], parent === undefined]), [
    ["world", true],
    ["message", false],
    ["order", false],
    ["timer", true],
  ]);
});

Deno.test("SpanRecorder names the actor, its states and its orders, and nothing that an event carries", () => {
  const { spans, recorder } = listener();
  const { clock, system, worker } = world(recorder);
  system.tell(worker, { type: "work.asked", secret: "s3cr3t-planted" });
  clock.run();
  assertEquals(spans[0]!.attributes, {
    "chartroom.actor": "n/worker/default/web-0/u1",
    "chartroom.process": "n",
    "chartroom.kind": "worker",
    "k8s.namespace.name": "default",
    "chartroom.name": "web-0",
    "chartroom.uid": "u1",
    "chartroom.cause": "world",
    "chartroom.event": "work.asked",
    "chartroom.handled": true,
    "chartroom.state.before": "idle",
    "chartroom.state": "looking",
    "chartroom.orders": ["tellFriend", "findTool"],
  });
  assertEquals(JSON.stringify(spans).includes("s3cr3t-planted"), false);
});
