import { assertEquals } from "@std/assert";
import { setup } from "xstate";
import { Hub } from "../../../actors/inspection/inspection_hub.ts";
import { type ConnectStream, RemoteSource } from "../../../actors/inspection/remote_source.ts";
import { SystemSource } from "../../../actors/inspection/system_source.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import type { ClientMessage, ServerMessage } from "../../../ports/inspection.ts";

const doorMachine = setup({ types: { events: {} as { type: "door.opened" } } }).createMachine({
  id: "door",
  options: { maxIterations: 100 },
  initial: "closed",
  states: { closed: { on: { "door.opened": "open" } }, open: {} },
});
const kind = actorKind("door", doorMachine, {});
const at = (node: string) => address({ node, kind: "door", name: "front" });

const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

/** A master and a node, each a process of its own, and the wire between them. */
function cluster() {
  const clock = new ManualClock();
  const process = (node: string) => {
    const system = new ActorSystem({ clock });
    const hub = new Hub({ clock, cluster: "test", session: node, maySend: true });
    hub.add(new SystemSource({ system, name: node }));
    return { system, hub, door: system.spawn(kind, { address: at(node), input: undefined }) };
  };
  const master = process("master-0");
  const node = process("worker-0");
  let up = true;
  let frozen = false;
  let cut = () => {};
  const connect: ConnectStream = (hear) => {
    if (!up) return Promise.reject(new Error("nobody answers"));
    const connection = node.hub.connect({
      send: (text) => frozen || hear.message(text),
      unsentBytes: 0,
      maySee: () => true,
      maySend: true,
    });
    cut = () => {
      connection.close();
      hear.closed();
    };
    return Promise.resolve({ send: (text) => connection.receive(text), close: () => connection.close() });
  };
  master.hub.add(new RemoteSource("worker-0", clock, connect));
  const said: ServerMessage[] = [];
  const connection = master.hub.connect({
    send: (text) => said.push(JSON.parse(text)),
    unsentBytes: 0,
    maySee: () => true,
    maySend: true,
  });
  const of = <T extends ServerMessage["type"]>(type: T) =>
    said.filter((message) => message.type === type) as Extract<ServerMessage, { type: T }>[];
  return {
    ...{ clock, master, node, of },
    say: (message: ClientMessage) => connection.receive(JSON.stringify(message)),
    down: () => (up = false, cut()),
    back: () => up = true,
    freeze: () => frozen = true,
    thaw: () => frozen = false,
  };
}

Deno.test("a master's hub shows the actors of nodes that are processes of their own", async () => {
  const { clock, node, of, say } = cluster();
  await turns();
  say({ type: "watch" });
  const rows = of("actors").flatMap((list) => list.rows);
  assertEquals(rows.map(({ id }) => id).sort(), [at("master-0"), at("worker-0")]);
  say({ type: "subscribe", id: at("worker-0") });
  say({ type: "follow", filter: {} });
  node.door.send({ type: "door.opened" });
  clock.advance(300);
  assertEquals(of("changes").flatMap(({ changed }) => changed.map(({ states }) => states)), [["open"]]);
  assertEquals(of("detail").at(-1)?.detail?.row.states, ["open"]);
  const records = of("records").flatMap((message) => message.records);
  assertEquals(records.map(({ process, event }) => [process, event.type]), [["worker-0", "door.opened"]]);
  assertEquals(of("processes").at(-1)?.processes.map(({ name }) => name), ["master-0", "worker-0"]);
});

Deno.test("a master's hub asks the nodes for what was, and sends events on to them", async () => {
  const { clock, node, of, say } = cluster();
  await turns();
  say({ type: "send", request: 1, id: at("worker-0"), event: { type: "door.opened" } });
  await turns();
  clock.advance(100);
  assertEquals(node.door.getSnapshot().value, "open");
  assertEquals(of("sent").length, 1);
  say({ type: "history", request: 2 });
  await turns();
  assertEquals(of("answer")[0]?.records.map(({ process }) => process).sort(), ["master-0", "worker-0", "worker-0"]);
});

Deno.test("a node that is silent is told of, keeps its rows, and is listened to again", async () => {
  const { clock, node, of, say, down, back } = cluster();
  await turns();
  say({ type: "watch" });
  down();
  assertEquals(of("processes").at(-1)?.processes[1]?.problem, "the connection was closed");
  clock.advance(500);
  await turns();
  assertEquals(of("processes").at(-1)?.processes[1]?.problem, "nobody answers");
  node.door.send({ type: "door.opened" });
  back();
  clock.advance(2_000);
  await turns();
  clock.advance(200);
  assertEquals(of("processes").at(-1)?.processes[1], { name: "worker-0", actors: 1 });
  assertEquals(of("changes").at(-1)?.changed[0]?.states, ["open"]);
  assertEquals(of("changes").flatMap(({ removed }) => removed), []);
});

Deno.test("a node whose connection stands but says nothing for five seconds is told of, and heard again", async () => {
  const { clock, of, say, freeze, thaw } = cluster();
  await turns();
  say({ type: "watch" });
  clock.advance(30_000);
  assertEquals(of("processes").filter(({ processes }) => processes[1]?.problem !== undefined), []);
  freeze();
  clock.advance(6_000);
  assertEquals(of("processes").at(-1)?.processes[1]?.problem, "nothing was heard of it for 5 s");
  thaw();
  clock.advance(20_000);
  await turns();
  clock.advance(1_000);
  assertEquals(of("processes").at(-1)?.processes[1]?.problem, undefined);
});
