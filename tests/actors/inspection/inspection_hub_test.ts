import { assert, assertEquals } from "@std/assert";
import { assign, setup } from "xstate";
import { Hub, type HubOptions } from "../../../actors/inspection/inspection_hub.ts";
import { SystemSource } from "../../../actors/inspection/system_source.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import { effect } from "../../../machines/effect.ts";
import type { ClientMessage, InspectionClient, ServerMessage } from "../../../ports/inspection.ts";

const lampMachine = setup({
  types: {
    context: {} as { turns: number; env: Record<string, string> },
    events: {} as { type: "switch.pressed"; token?: string } | { type: "bulb.broke" } | { type: "bulb.changed" },
  },
  actions: {
    changeBulb: effect<{ password: string }>({ answers: ["bulb.changed"] }),
    count: assign({ turns: ({ context }) => Math.min(9, context.turns + 1) }),
  },
  guards: { isAllowed: () => true },
  delays: { glow: 500 },
}).createMachine({
  id: "lamp",
  options: { maxIterations: 100 },
  context: { turns: 0, env: { PLANTED: "s3cr3t-planted" } },
  initial: "dark",
  states: {
    dark: {
      description: "Gives no light.",
      on: { "switch.pressed": { guard: "isAllowed", target: "lit", actions: "count" } },
    },
    lit: {
      description: "Gives light.",
      initial: "bright",
      on: { "bulb.broke": "changing" },
      states: { bright: { after: { glow: "dim" } }, dim: {} },
    },
    changing: {
      description: "Waits for a new bulb.",
      entry: { type: "changeBulb", params: { password: "s3cr3t-planted" } },
      on: { "bulb.changed": "dark" },
    },
  },
});

const lampKind = actorKind("pod", lampMachine, { changeBulb: () => new Promise(() => {}) });
const lampAt = (name: string, namespace = "default") =>
  address({ node: "worker-0", kind: "pod", namespace, name, uid: name });

class Reader implements InspectionClient {
  readonly said: ServerMessage[] = [];
  unsentBytes = 0;
  maySend = false;
  constructor(readonly maySee: InspectionClient["maySee"] = () => true) {}
  send(text: string): void {
    this.said.push(JSON.parse(text));
  }
  of<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.said.filter((message) => message.type === type) as Extract<ServerMessage, { type: T }>[];
  }
  take(): ServerMessage[] {
    return this.said.splice(0);
  }
}

function cluster(options: Pick<HubOptions, "maySend" | "labels"> = {}) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const hub = new Hub({ clock, cluster: "test", session: "s1", ...options });
  hub.add(new SystemSource({ system, name: "master-0" }));
  const lamp = (name: string, namespace?: string) =>
    system.spawn(lampKind, { address: lampAt(name, namespace), input: undefined });
  const connect = (reader: Reader) => {
    const connection = hub.connect(reader);
    return { ...connection, say: (message: ClientMessage) => connection.receive(JSON.stringify(message)) };
  };
  return { clock, system, hub, lamp, connect };
}

const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

Deno.test("hub tells a late joiner the whole list first, with each chart before its rows", () => {
  const { connect, lamp, system } = cluster();
  for (let index = 0; index < 1_200; index++) lamp(`lamp-${index}`);
  const reader = new Reader();
  connect(reader).say({ type: "watch" });
  assertEquals(reader.said.map(({ type }) => type), [
    ...["hello", "processes", "counters", "machines"],
    ...["actors", "actors", "actors"],
  ]);
  const lists = reader.of("actors");
  assertEquals(lists.map(({ first, last, offset }) => [first, last, offset]), [
    [true, false, 0],
    [false, false, 500],
    [false, true, 1000],
  ]);
  assertEquals(lists.flatMap(({ rows }) => rows).length, 1_200);
  const [row] = lists[0]!.rows;
  assertEquals(reader.of("machines")[0]!.machines[row!.machine]?.id, "lamp");
  assertEquals(row?.states, ["dark"]);
  system.stopAll();
});

Deno.test("hub puts all that an actor did within a tenth of a second into one change", () => {
  const { clock, connect, lamp } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  connect(reader).say({ type: "watch", counts: false });
  reader.take();
  for (let index = 0; index < 50; index++) {
    one.send({ type: "switch.pressed" });
    clock.advance(1);
  }
  assertEquals(reader.of("changes"), []);
  clock.advance(100);
  const changes = reader.of("changes");
  assertEquals(changes.length, 1);
  assertEquals(changes[0]!.changed.length, 1);
  assertEquals(changes[0]!.changed[0]!.states, ["lit.bright"]);
  assertEquals(changes[0]!.changed[0]!.transitions, 50);
  // 49 presses came while no state handled them.
  assertEquals(changes[0]!.changed[0]!.problems, ["unhandled"]);
});

Deno.test("hub tells of actors that come and go", () => {
  const { clock, connect, lamp, system } = cluster();
  const reader = new Reader();
  connect(reader).say({ type: "watch", counts: false });
  lamp("one");
  clock.advance(100);
  assertEquals(reader.of("changes")[0]?.added.map(({ id }) => id), [lampAt("one")]);
  system.stop(lampAt("one"));
  clock.advance(100);
  assertEquals(reader.of("changes")[1]?.removed, [lampAt("one")]);
});

Deno.test("hub filters by kind, namespace, state, text and problem", () => {
  const { clock, connect, lamp } = cluster();
  lamp("one").send({ type: "switch.pressed" });
  lamp("two", "kube-system");
  clock.advance(10);
  const names = (filter: Extract<ClientMessage, { type: "watch" }>["filter"]) => {
    const reader = new Reader();
    connect(reader).say({ type: "watch", ...(filter === undefined ? {} : { filter }) });
    return reader.of("actors").flatMap(({ rows }) => rows.map(({ name }) => name)).sort();
  };
  assertEquals(names(undefined), ["one", "two"]);
  assertEquals(names({ namespace: ["kube-system"] }), ["two"]);
  assertEquals(names({ state: ["lit"] }), ["one"]);
  assertEquals(names({ text: "SYSTEM two" }), ["two"]);
  assertEquals(names({ kind: ["node"] }), []);
  assertEquals(names({ anyProblem: true }), []);
});

Deno.test("hub moves a row out of a filter's list when it matches no more", () => {
  const { clock, connect, lamp } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  connect(reader).say({ type: "watch", filter: { state: ["dark"] }, counts: false });
  one.send({ type: "switch.pressed" });
  clock.advance(100);
  assertEquals(reader.of("changes")[0]?.removed, [lampAt("one")]);
  assertEquals(reader.of("changes")[0]?.matched, 0);
});

Deno.test("hub sends a window and keeps it up", () => {
  const { clock, connect, lamp, system } = cluster();
  for (const name of ["a", "b", "c", "d"]) lamp(name);
  const reader = new Reader();
  connect(reader).say({ type: "watch", sort: "id", offset: 1, limit: 2, counts: false });
  assertEquals(reader.of("actors").flatMap(({ rows }) => rows.map(({ name }) => name)), ["b", "c"]);
  assertEquals(reader.of("actors")[0]!.matched, 4);
  system.stop(lampAt("a"));
  clock.advance(1_000);
  const [change] = reader.of("changes");
  assertEquals(change?.order, [lampAt("c"), lampAt("d")]);
  assertEquals(change?.added.map(({ name }) => name), ["d"]);
  assertEquals(change?.removed, [lampAt("b")]);
});

Deno.test("hub tells all about an actor that is subscribed to, and each of its transitions", () => {
  const { clock, connect, lamp } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  const connection = connect(reader);
  connection.say({ type: "subscribe", id: lampAt("one") });
  const [first] = reader.of("detail");
  assertEquals(first?.detail?.possible, [
    { type: "switch.pressed", expected: false, targets: ["lit"], guard: "isAllowed" },
  ]);
  assertEquals(first?.detail?.explanation.where, [{ state: "dark", description: "Gives no light." }]);
  one.send({ type: "switch.pressed" });
  clock.advance(100);
  const [{ records } = { records: [] }] = reader.of("records");
  assertEquals(records.length, 1);
  const record = records[0]!;
  assertEquals(record.guards, [{ guard: "isAllowed", passed: true }]);
  assertEquals(record.delta, { set: { turns: 1 }, unset: [] });
  assertEquals(record.states, ["lit.bright"]);
  assertEquals(record.timers[0]?.delay, "glow");
  assertEquals(record.timers[0]?.due, record.wallTime + 500);
  assertEquals(record.edges.length, 1);
  assertEquals(reader.of("detail").at(-1)?.detail?.timers.map(({ delay }) => delay), ["glow"]);
  connection.say({ type: "unsubscribe", id: lampAt("one") });
  reader.take();
  clock.advance(1_000);
  assertEquals(reader.of("records"), []);
});

Deno.test("hub lets no secret out, neither in contexts nor in events, orders, explanations or recordings", async () => {
  const { clock, connect, lamp, hub } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  const connection = connect(reader);
  connection.say({ type: "watch" });
  connection.say({ type: "subscribe", id: lampAt("one") });
  connection.say({ type: "follow", filter: {} });
  one.send({ type: "switch.pressed", token: "s3cr3t-planted" });
  clock.advance(600);
  one.send({ type: "bulb.broke" });
  clock.advance(600);
  connection.say({ type: "history", request: 1 });
  await turns();
  assertEquals(reader.of("answer").length, 1);
  for await (const line of hub.recording({}, () => true)) reader.said.push(JSON.parse(line));
  const all = JSON.stringify(reader.said);
  assert(all.includes("changeBulb"));
  assert(!all.includes("s3cr3t-planted"), all);
});

Deno.test("hub shows nobody an actor that he may not see, in no list, detail, record or answer", async () => {
  const { clock, connect, lamp } = cluster({ maySend: true });
  lamp("one");
  const hidden = lamp("two", "hidden");
  const reader = new Reader(({ namespace }) => namespace !== "hidden");
  reader.maySend = true;
  const connection = connect(reader);
  connection.say({ type: "watch" });
  connection.say({ type: "subscribe", id: lampAt("two", "hidden") });
  connection.say({ type: "follow", filter: {} });
  hidden.send({ type: "switch.pressed" });
  clock.advance(2_000);
  connection.say({ type: "history", request: 1 });
  connection.say({ type: "object", request: 2, kind: "pod", namespace: "hidden", name: "two" });
  connection.say({ type: "send", request: 3, id: lampAt("two", "hidden"), event: { type: "bulb.broke" } });
  await turns();
  assertEquals(reader.of("detail").map(({ detail }) => detail), [null]);
  assertEquals(reader.of("answer").flatMap(({ records }) => records.map(({ id }) => id)), [lampAt("one")]);
  assertEquals(reader.of("sent"), []);
  assertEquals(reader.of("counts").at(-1)?.total, 1);
  const shown = reader.said.filter(({ type }) => type !== "detail" && type !== "error");
  assert(!JSON.stringify(shown).includes("hidden"));
});

Deno.test("hub tells nobody how many actors there are, or which processes, of which he may see nothing", () => {
  const { clock, connect, lamp, system } = cluster();
  lamp("one");
  lamp("two", "hidden");
  const told = (maySee: InspectionClient["maySee"]) => {
    const reader = new Reader(maySee);
    const connection = connect(reader);
    connection.say({ type: "watch" });
    clock.advance(1_000);
    connection.close();
    return {
      counters: reader.of("counters").at(-1)!.counters.actors,
      counts: reader.of("counts").at(-1)?.total,
      processes: reader.of("processes").at(-1)?.processes ?? [],
    };
  };
  const one = { counters: 1, counts: 1, processes: [{ name: "master-0", actors: 1 }] };
  assertEquals(told(({ kind, namespace }) => kind === "pod" && namespace === "default"), one);
  assertEquals(told(() => false), { counters: 0, counts: 0, processes: [] });
  system.stopAll();
});

Deno.test("hub filters by the labels of the object that an actor looks after, as they are now", () => {
  const labels: Record<string, Record<string, string>> = { one: { app: "web" } };
  const { clock, connect, lamp, system } = cluster({ labels: ({ name }) => labels[name!] });
  lamp("one");
  lamp("two");
  const reader = new Reader();
  connect(reader).say({ type: "watch", filter: { labels: { app: "web" } } });
  assertEquals(reader.of("actors").flatMap(({ rows }) => rows).map(({ name }) => name), ["one"]);
  labels["two"] = { app: "web" };
  delete labels["one"];
  clock.advance(5_000);
  const [change] = reader.of("changes");
  assertEquals(change?.added.map(({ name }) => name), ["two"]);
  assertEquals(change?.removed, [lampAt("one")]);
  system.stopAll();
});

Deno.test("hub sends a window whole to a client that comes back: rows may have moved into it", () => {
  const { clock, connect, lamp, system } = cluster();
  for (const name of ["one", "three", "two"]) lamp(name);
  const window = { type: "watch", sort: "id", limit: 2, counts: false } as const;
  const reader = new Reader();
  const first = connect(reader);
  first.say(window);
  const { session } = reader.of("hello")[0]!;
  const { sequence } = reader.of("actors")[0]!;
  first.close();
  system.stop(lampAt("one"));
  clock.advance(100);
  const back = new Reader();
  connect(back).say({ ...window, resume: { session, sequence } });
  assertEquals(back.of("actors")[0]?.rows.map(({ name }) => name), ["three", "two"]);
  system.stopAll();
});

Deno.test("hub gives a client that comes back only what has changed", () => {
  const { clock, connect, lamp, system } = cluster();
  const one = lamp("one");
  lamp("two");
  lamp("three");
  const reader = new Reader();
  const first = connect(reader);
  first.say({ type: "watch", counts: false });
  const { sequence } = reader.of("actors")[0]!;
  first.close();
  one.send({ type: "switch.pressed" });
  system.stop(lampAt("two"));
  clock.advance(200);
  const again = new Reader();
  connect(again).say({ type: "watch", resume: { session: "s1", sequence }, counts: false });
  assertEquals(again.of("actors"), []);
  const [change] = again.of("changes");
  assertEquals(change?.added.map(({ name }) => name), ["one"]);
  assertEquals(change?.removed, [lampAt("two")]);
  const other = new Reader();
  connect(other).say({ type: "watch", resume: { session: "former", sequence } });
  assertEquals(other.of("actors").length, 1);
});

Deno.test("hub drops records for a client that is behind, counts them, and brings its rows up to date later", () => {
  const { clock, connect, lamp } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  const connection = connect(reader);
  connection.say({ type: "watch" });
  connection.say({ type: "follow", filter: {} });
  reader.unsentBytes = 2 ** 24;
  reader.take();
  one.send({ type: "switch.pressed" });
  clock.advance(2_000);
  assertEquals(reader.take(), []);
  reader.unsentBytes = 0;
  clock.advance(2_000);
  assertEquals(reader.of("changes").at(-1)?.changed[0]?.states, ["lit.dim"]);
  assertEquals(reader.of("counters").at(-1)?.counters.dropped, 2);
});

Deno.test("hub sends events only where it was started so, and for whom that is allowed", async () => {
  for (const [allowed, maySend, expected] of [[true, true, "sent"], [true, false, "error"], [false, true, "error"]]) {
    const { clock, connect, lamp } = cluster({ maySend: allowed as boolean });
    const one = lamp("one");
    const reader = new Reader();
    reader.maySend = maySend as boolean;
    connect(reader).say({ type: "watch" });
    const connection = connect(reader);
    connection.say({ type: "send", request: 7, id: lampAt("one"), event: { type: "switch.pressed" } });
    await turns();
    clock.advance(1);
    const answers = reader.said.filter(({ type }) => type === "sent" || type === "error");
    assertEquals(answers.map(({ type }) => type as string), [expected]);
    assertEquals(one.getSnapshot().value, expected === "sent" ? { lit: "bright" } : "dark");
  }
});

Deno.test("hub says what is stuck: an order that nobody answers becomes a problem with time", () => {
  const { clock, connect, lamp } = cluster();
  const one = lamp("one");
  const reader = new Reader();
  connect(reader).say({ type: "watch", filter: { problems: ["unsettled"] }, counts: false });
  one.send({ type: "switch.pressed" });
  one.send({ type: "bulb.broke" });
  clock.advance(20_000);
  assertEquals(reader.of("changes").flatMap(({ added }) => added), []);
  clock.advance(20_000);
  assertEquals(reader.of("changes").flatMap(({ added }) => added.map(({ name }) => name)), ["one"]);
});

Deno.test("hub listens to no actor while nobody is connected", () => {
  const { clock, connect, lamp, system } = cluster();
  let observers = 0;
  const inspect = system.inspect.bind(system);
  system.inspect = (observer) => {
    observers++;
    const stop = inspect(observer);
    return () => (observers--, stop());
  };
  lamp("one");
  assertEquals(observers, 0);
  const connection = connect(new Reader());
  assertEquals(observers, 1);
  connection.close();
  clock.advance(60_000);
  assertEquals(observers, 0);
});

Deno.test("hub answers nonsense with an error in words", () => {
  const { connect } = cluster();
  const reader = new Reader();
  const connection = connect(reader);
  for (
    const text of ["{", "[]", '{"type":"toString"}', '{"type":"watch","filter":{"kind":"pod"}}', '{"type":"send"}']
  ) {
    connection.receive(text);
  }
  assertEquals(reader.of("error").map(({ code }) => code), Array.from({ length: 5 }, () => "badMessage"));
});

Deno.test("hub tells a follower of all that an actor did that came and went between two messages", () => {
  const { clock, connect, lamp, system } = cluster();
  lamp("zero");
  const reader = new Reader();
  const connection = connect(reader);
  connection.say({ type: "follow", filter: { name: ["one"] } });
  lamp("one").send({ type: "switch.pressed" });
  clock.advance(200);
  system.get(lampAt("one"))?.send({ type: "bulb.broke" });
  clock.run();
  system.stop(lampAt("one"));
  clock.advance(200);
  assertEquals(
    reader.of("records").flatMap(({ records }) => records.map(({ event }) => event.type)),
    ["xstate.init", "switch.pressed", "bulb.broke"],
  );
});
