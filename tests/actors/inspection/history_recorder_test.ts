import { assert, assertEquals, assertThrows } from "@std/assert";
import { setup } from "xstate";
import { historyBound, type HistoryFiles, HistoryRecorder } from "../../../actors/inspection/history_recorder.ts";
import { Hub } from "../../../actors/inspection/inspection_hub.ts";
import { RecordedSource } from "../../../actors/inspection/recorded_source.ts";
import { SystemSource } from "../../../actors/inspection/system_source.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import { Recording } from "../../../http/inspector/page/model/recording.ts";
import type { ServerMessage } from "../../../ports/inspection.ts";

const lampMachine = setup({ types: { events: {} as { type: "switch.pressed" } } }).createMachine({
  id: "lamp",
  options: { maxIterations: 100 },
  initial: "dark",
  states: { dark: { on: { "switch.pressed": "lit" } }, lit: { on: { "switch.pressed": "dark" } } },
});

function memory() {
  const kept = new Map<string, string>();
  const files: HistoryFiles = {
    list: () => Promise.resolve([...kept].map(([name, text]) => ({ name, bytes: text.length }))),
    append: (name, text) => Promise.resolve(void kept.set(name, (kept.get(name) ?? "") + text)),
    read: (name) => Promise.resolve(kept.get(name) ?? ""),
    remove: (name) => Promise.resolve(void kept.delete(name)),
  };
  return { kept, files };
}

function recorded(bound: string) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const hub = new Hub({ clock, cluster: "test", session: "s1" });
  hub.add(new SystemSource({ system, name: "master-0" }));
  const at = address({ node: "worker-0", kind: "lamp", name: "one" });
  const lamp = system.spawn(actorKind("lamp", lampMachine, {}), { address: at, input: undefined });
  const { kept, files } = memory();
  const recorder = new HistoryRecorder(hub, files, historyBound(bound), (problem) => {
    throw new Error(problem);
  });
  hub.history = recorder;
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { clock, system, hub, lamp, at, kept, recorder, pass };
}

Deno.test("history keeps more than the actors' own last transitions, and shows how things were", async () => {
  const { clock, hub, lamp, at, recorder, pass } = recorded("1h");
  for (let press = 0; press < 20; press++) {
    lamp.send({ type: "switch.pressed" });
    await pass(1_000);
  }
  const records = await hub.past(() => true, 0, Infinity, 100);
  assertEquals(records.filter(({ id }) => id === at).length, 20);
  const said: ServerMessage[] = [];
  const connection = hub.connect({
    send: (text) => said.push(JSON.parse(text)),
    unsentBytes: 0,
    maySee: () => true,
    maySend: false,
  });
  assertEquals(said[0]?.type === "hello" && said[0].historyFrom, recorder.from);
  for (const [request, ago] of [[1, 18_500], [2, 19_500]] as const) {
    connection.receive(JSON.stringify({ type: "seek", request, wallTime: clock.wallTime() - ago }));
  }
  for (let turn = 0; turn < 400; turn++) await Promise.resolve();
  const seen = said.filter((message) => message.type === "seen").sort((one, other) => one.request - other.request);
  assertEquals(seen.map(({ rows }) => rows[0]?.states), [["dark"], ["lit"]]);
  connection.close();
  await recorder.stop();
  hub.stop();
});

Deno.test("a recording of the history has who ended meanwhile, from when on who was there, and nobody who may not be seen", async () => {
  const { clock, system, hub, lamp, at, recorder, pass } = recorded("1h");
  const place = (name: string) => address({ node: "worker-0", kind: "lamp", name });
  const spawn = (name: string) =>
    system.spawn(actorKind("lamp", lampMachine, {}), { address: place(name), input: undefined });
  const old = spawn("old");
  await pass(1_000);
  const began = clock.wallTime();
  const next = spawn("next");
  spawn("secret");
  old.send({ type: "switch.pressed" });
  await pass(1_000);
  system.stop(place("old"));
  next.send({ type: "switch.pressed" });
  lamp.send({ type: "switch.pressed" });
  await pass(1_000);
  let text = "";
  for await (const line of hub.recording({}, ({ name }) => name !== "secret")) text += `${line}\n`;
  assert(!text.includes("secret"));
  const file = new Recording(text, { message() {}, status() {} });
  const standing = (wallTime: number) =>
    Object.fromEntries(file.rowsAt(wallTime).map(({ name, states }) => [name, states[0]]));
  assertEquals(standing(began - 500), { one: "dark", old: "dark" });
  assertEquals(standing(began + 900), { one: "dark", old: "lit", next: "dark" });
  assertEquals(standing(clock.wallTime()), { one: "lit", next: "lit" });
  assertEquals(new RecordedSource("x", text).rows.map(({ id }) => id).includes(at), true);
  await recorder.stop();
  hub.stop();
  system.stopAll();
});

Deno.test("history keeps the first of what comes again and again and changes nothing, and all that no state handles", async () => {
  const { system, hub, recorder, pass } = recorded("1h");
  const heart = setup({ types: { events: {} as { type: "heart.beat" } | { type: "heart.ached" } } }).createMachine({
    id: "heart",
    options: { maxIterations: 100 },
    initial: "calm",
    states: { calm: { on: { "heart.beat": { target: "calm", reenter: true } } } },
  });
  const at = address({ node: "worker-0", kind: "heart", name: "one" });
  const actor = system.spawn(actorKind("heart", heart, {}), { address: at, input: undefined });
  for (let beat = 0; beat < 10; beat++) {
    actor.send({ type: "heart.beat" });
    if (beat < 3) actor.send({ type: "heart.ached" });
    await pass(1_000);
  }
  const events = (await hub.past((id) => id === at, 0, Infinity, 100)).map(({ event }) => event.type);
  // The very first shows in which states it is.
  assertEquals(events.filter((type) => type === "heart.ached").length, 3);
  const beats = events.filter((type) => type === "heart.beat").length;
  assert(beats >= 1 && beats <= 2, `${beats} of 10 are kept`);
  await recorder.stop();
  hub.stop();
  system.stopAll();
});

Deno.test("history stays within its bound of bytes, and each of its files is a recording", async () => {
  const { lamp, kept, recorder, pass, hub } = recorded("40KB");
  for (let press = 0; press < 400; press++) {
    lamp.send({ type: "switch.pressed" });
    await pass(500);
  }
  const bytes = [...kept.values()].reduce((sum, text) => sum + text.length, 0);
  assert(bytes <= 46 * 1024 && bytes > 20 * 1024, `${bytes}`);
  for (const text of kept.values()) assertEquals(new RecordedSource("x", text).rows.length, 1);
  await recorder.stop();
  hub.stop();
});

Deno.test("history stays within its bound of time", async () => {
  const { clock, lamp, kept, recorder, pass, hub } = recorded("60s");
  for (let press = 0; press < 200; press++) {
    lamp.send({ type: "switch.pressed" });
    await pass(1_000);
  }
  assert(kept.size <= 10, `${kept.size} files`);
  assert(clock.wallTime() - recorder.from! < 75_000, `${clock.wallTime() - recorder.from!}`);
  await recorder.stop();
  hub.stop();
});

Deno.test("historyBound reads times and sizes and refuses anything else", () => {
  assertEquals(historyBound("1h"), { ms: 3_600_000 });
  assertEquals(historyBound("200MB"), { bytes: 200 * 2 ** 20 });
  for (const wrong of ["", "1", "h", "-1h", "0MB", "1 week"]) {
    assertThrows(() => historyBound(wrong), Error, "Cannot keep");
  }
});
