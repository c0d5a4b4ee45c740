import { assertEquals, assertThrows } from "@std/assert";
import { setup } from "xstate";
import { Hub } from "../../../actors/inspection/inspection_hub.ts";
import { RecordedSource } from "../../../actors/inspection/recorded_source.ts";
import { SystemSource } from "../../../actors/inspection/system_source.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import type { ServerMessage } from "../../../ports/inspection.ts";

const doorMachine = setup({ types: { events: {} as { type: "door.opened" } } }).createMachine({
  id: "door",
  options: { maxIterations: 100 },
  initial: "closed",
  states: { closed: { description: "Nobody gets in.", on: { "door.opened": "open" } }, open: {} },
});

async function recording(): Promise<string> {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const hub = new Hub({ clock, cluster: "test", session: "s1" });
  hub.add(new SystemSource({ system, name: "master-0" }));
  const at = address({ node: "worker-0", kind: "door", name: "front" });
  const door = system.spawn(actorKind("door", doorMachine, {}), { address: at, input: undefined });
  door.send({ type: "door.opened" });
  clock.advance(10);
  let text = "";
  for await (const line of hub.recording({}, () => true)) text += `${line}\n`;
  return text;
}

Deno.test("a recording is reopened without a cluster: the same rows, charts and records", async () => {
  const source = new RecordedSource("recording", await recording());
  const clock = new ManualClock();
  const hub = new Hub({ clock, cluster: source.cluster, session: "s2", source: "recording" });
  hub.add(source);
  const said: ServerMessage[] = [];
  const connection = hub.connect({
    send: (text) => said.push(JSON.parse(text)),
    unsentBytes: 0,
    maySee: () => true,
    maySend: true,
  });
  connection.receive('{"type":"watch"}');
  connection.receive('{"type":"subscribe","id":"worker-0/door/-/front/-"}');
  connection.receive('{"type":"history","request":1}');
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  const of = <T extends ServerMessage["type"]>(type: T) =>
    said.find((message) => message.type === type) as Extract<ServerMessage, { type: T }>;
  assertEquals(of("hello").source, "recording");
  assertEquals(of("actors").rows[0]?.states, ["open"]);
  assertEquals(Object.values(of("machines").machines)[0]?.id, "door");
  assertEquals(of("answer").records.map(({ event }) => event.type), ["xstate.init", "door.opened"]);
  assertEquals(of("detail").detail?.recent.length, 2);
});

Deno.test("a file that is no recording is refused with the line that is wrong", () => {
  assertThrows(() => new RecordedSource("x", ""), Error, "empty");
  assertThrows(() => new RecordedSource("x", '{"type":"actors"}'), Error, "no hello of version 1");
  assertThrows(() => new RecordedSource("x", '{"type":"hello","version":2}'), Error, "no hello of version 1");
  assertThrows(() => new RecordedSource("x", '{"type":"hello","version":1,"cluster":"c"}\nnonsense'), Error, "line 2");
});
