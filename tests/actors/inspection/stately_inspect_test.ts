import { assert, assertEquals } from "@std/assert";
import { createWebSocketInspector, createWebSocketReceiver } from "@statelyai/inspect";
import { createActor, setup } from "xstate";
import { Hub } from "../../../actors/inspection/inspection_hub.ts";
import { SystemSource } from "../../../actors/inspection/system_source.ts";
import { realClock } from "../../../actors/real/real_clock.ts";
import { actorKind, ActorSystem, address } from "../../../actors/system.ts";
import { serveAlone } from "../../../commands/inspect_alone.ts";
import { StatelyView } from "../../../http/inspector/stately_view.ts";
import type { ServerMessage } from "../../../ports/inspection.ts";

const doorMachine = setup({ types: { events: {} as { type: "door.opened" } | { type: "door.closed" } } }).createMachine(
  {
    id: "door",
    options: { maxIterations: 100 },
    initial: "closed",
    states: {
      closed: { on: { "door.opened": "open" } },
      open: { initial: "wide", on: { "door.closed": "closed" }, states: { wide: {} } },
    },
  },
);

// The package keeps timers of its own until its process ends.
const leaky = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "inspect --listen shows an app that uses the real @statelyai/inspect, with its chart and what it does",
  ...leaky,
  async fn() {
    const listening = Promise.withResolvers<string>();
    const alone = serveAlone({ port: 0, listening: listening.resolve });
    const { host } = new URL(await listening.promise);
    const page = new WebSocket(`ws://${host}/inspect/stream`, "inspect.chartroom.dev.v1");
    const said: ServerMessage[] = [];
    const listed = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    page.onmessage = ({ data }) => {
      const message = JSON.parse(data) as ServerMessage;
      said.push(message);
      if (message.type !== "changes") return;
      const states = [...message.added, ...message.changed].map((row) => row.states?.[0]);
      if (states.includes("closed")) listed.resolve();
      if (states.includes("open.wide")) opened.resolve();
    };
    await new Promise((resolve) => page.onopen = resolve);
    page.send(JSON.stringify({ type: "watch" }));
    page.send(JSON.stringify({ type: "follow", filter: {} }));

    const inspector = createWebSocketInspector({ url: `ws://${host}` });
    const actor = createActor(doorMachine, { inspect: inspector.inspect });
    actor.start();
    // The package reads an actor's first snapshot late: it might show a later state.
    await listed.promise;
    actor.send({ type: "door.opened" });
    await opened.promise;

    const charts = said.flatMap((message) => message.type === "machines" ? Object.values(message.machines) : []);
    const door = charts.find(({ id }) => id === "door");
    assertEquals(door?.root.states.map(({ name }) => name), ["closed", "open"]);
    assertEquals(said[0]?.type === "hello" && said[0].source, "foreign");
    const records = said.flatMap((message) => message.type === "records" ? message.records : []);
    const record = records.find(({ event }) => event.type === "door.opened");
    const edge = door?.root.states[0]?.transitions[0];
    assertEquals(record?.edges, [edge!.id]);
    actor.stop();
    inspector.stop();
    const closed = new Promise((resolve) => page.onclose = resolve);
    page.close();
    await closed;
    await alone.close();
  },
});

Deno.test({
  name: "StatelyView tells the real receiver of @statelyai/inspect every actor with its chart, and each event",
  ...leaky,
  async fn() {
    const system = new ActorSystem({ clock: realClock });
    const hub = new Hub({ clock: realClock, cluster: "test", session: "s1" });
    hub.add(new SystemSource({ system, name: "master-0" }));
    const at = (name: string) => address({ node: "worker-0", kind: "door", namespace: "default", name });
    const kind = actorKind("door", doorMachine, {});
    const front = system.spawn(kind, { address: at("front"), input: undefined });
    system.spawn(kind, { address: at("back"), supervisor: at("front"), input: undefined });
    const listening = Promise.withResolvers<number>();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => listening.resolve(port) },
      (request) => {
        const { socket, response } = Deno.upgradeWebSocket(request);
        let view: StatelyView | undefined;
        socket.onopen = () => view = new StatelyView(hub, {}, (text) => socket.send(text), () => 0, () => true);
        socket.onclose = () => view?.close();
        return response;
      },
    );
    const receiver = createWebSocketReceiver({ server: `ws://127.0.0.1:${await listening.promise}` });
    const heard: { type: string; sessionId: string; parentId?: string; definition?: string; snapshot?: unknown }[] = [];
    const moved = Promise.withResolvers<void>();
    const listed = Promise.withResolvers<void>();
    receiver.subscribe((event) => {
      heard.push(event as typeof heard[number]);
      if (heard.filter(({ type }) => type === "@xstate.actor").length === 2) listed.resolve();
      if (event.type === "@xstate.snapshot") moved.resolve();
    });
    await listed.promise;
    front.send({ type: "door.opened" });
    await moved.promise;
    const [first, second] = heard;
    assertEquals([first?.sessionId, second?.sessionId], [at("back"), at("front")]);
    assertEquals(first?.parentId, at("front"));
    assertEquals(JSON.parse(first?.definition ?? "").states.open.initial, "wide");
    assert(heard.some(({ type }) => type === "@xstate.event"));
    const last = heard.findLast(({ type }) => type === "@xstate.snapshot");
    assertEquals((last?.snapshot as { value: unknown }).value, { open: "wide" });
    hub.stop();
    system.stopAll();
    await server.shutdown();
  },
});
