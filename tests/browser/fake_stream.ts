/** A server that serves the page as it was built and plays the stream's messages, without a cluster. */
import type { ActorDetail, ActorRow, ClientMessage, ServerMessage, TransitionRecord } from "../../ports/inspection.ts";
import { chartOf, machineKey } from "../../machines/chart/describe_chart.ts";
import { podMachine } from "../../machines/pod/pod_machine.ts";

const dist = new URL("../../http/inspector/page/dist/", import.meta.url);
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  svg: "image/svg+xml",
};

export const chart = chartOf(podMachine);
export const machine = machineKey(chart);
export const began = 1_795_375_256_000;

export function podRow(index: number, change: Partial<ActorRow> = {}): ActorRow {
  const name = `web-${index}`;
  const node = `worker-${index % 3}`;
  return {
    ...{ id: `${node}/pod/default/${name}/u${index}`, node, kind: "pod", namespace: "default", name, uid: `u${index}` },
    ...{ machine, states: ["active.running"], status: "active", since: began, incarnation: 1, tags: [], problems: [] },
    ...{ last: 3, transitions: 3, unhandled: 0 },
    ...change,
  };
}

const edgeOn = (path: string, on: string) => {
  const find = (state: typeof chart.root): number | undefined =>
    state.path === path
      ? state.transitions.find((transition) => transition.on === on)?.id
      : state.states.map(find).find((id) => id !== undefined);
  return [find(chart.root)!];
};

export function recordsOf({ id }: ActorRow): TransitionRecord[] {
  const one = (sequence: number, change: Partial<TransitionRecord>): TransitionRecord => ({
    ...{ type: "transition", id, sequence, process: "worker", at: sequence * 100, wallTime: began + sequence * 100 },
    ...{ incarnation: 1, event: { type: "xstate.init" }, cause: { by: "start" }, trace: "worker:1", edges: [] },
    ...{ guards: [], orders: [], timers: [], states: [], status: "active", delta: { set: {}, unset: [] } },
    ...change,
  });
  const preparing = (
    sandbox: string,
  ) => [
    "active.preparing.containers.waiting",
    `active.preparing.sandbox.${sandbox}`,
    "active.preparing.volumes.mounted",
  ];
  return [
    one(1, {
      states: preparing("creating"),
      orders: [{ type: "createSandbox", params: {} }],
      delta: { set: { sandboxFailures: 0 }, unset: [] },
    }),
    one(2, {
      ...{
        event: { type: "sandbox.failed", message: "no address is free" },
        cause: { by: "order", order: 1, type: "createSandbox" },
      },
      ...{ states: preparing("backOff"), edges: edgeOn("active.preparing.sandbox.creating", "sandbox.failed") },
      ...{
        guards: [{ guard: "isPrepared", passed: false }],
        delta: { set: { sandboxFailures: 1, message: "no address is free" }, unset: [] },
      },
      timers: [{
        id: "xstate.after.sandboxBackOff.pod.active.preparing.sandbox.backOff",
        delay: "sandboxBackOff",
        due: began + 10_000,
      }],
    }),
  ];
}

export function hello(source: "cluster" | "recording" = "cluster"): ServerMessage {
  return {
    type: "hello",
    version: 1,
    cluster: "test",
    session: "s1",
    sequence: 1,
    wallTime: began,
    source,
    maySend: false,
  };
}

export function detailOf(row: ActorRow): ActorDetail {
  return {
    ...{ row, context: {}, timers: [], orders: [], recent: recordsOf(row), possible: [], children: [] },
    explanation: {
      ...{
        says: [row.says ?? ""].filter((text) => text !== ""),
        where: row.states.map((state) => ({ state, description: "Is there." })),
      },
      ...{
        why: ["sandbox.failed led here"],
        since: "3 s",
        waitsFor: [],
        movesOn: ["after sandboxBackOff: to creating"],
      },
    },
  };
}

export interface FakeStream extends AsyncDisposable {
  readonly url: string;
  /** Every message of clients, as it came. */
  readonly asked: ClientMessage[];
  say(message: ServerMessage): void;
}

export function fakeStream(rows: readonly ActorRow[]): FakeStream {
  const sockets = new Set<WebSocket>();
  const asked: ClientMessage[] = [];
  const controller = new AbortController();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: controller.signal, onListen() {} },
    async (request) => {
      const path = new URL(request.url).pathname;
      if (path === "/inspect/stream") {
        const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "inspect.chartroom.dev.v1" });
        const say = (message: ServerMessage) => socket.send(JSON.stringify(message));
        socket.onopen = () => {
          sockets.add(socket);
          say(hello());
          say({ type: "machines", machines: { [machine]: chart } });
        };
        socket.onclose = () => sockets.delete(socket);
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data) as ClientMessage;
          asked.push(message);
          for (const answer of answersTo(message, rows)) say(answer);
        };
        return response;
      }
      const name = path === "/inspect/" ? "index.html" : path.replace("/inspect/assets/", "");
      try {
        const bytes = await Deno.readFile(new URL(name, dist));
        const type = types[name.split(".").at(-1)!] ?? "text/plain";
        return new Response(bytes, { headers: { "content-type": type, "content-security-policy": policy } });
      } catch {
        return new Response("not there", { status: 404 });
      }
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/inspect/`,
    asked,
    say: (message) => sockets.forEach((socket) => socket.send(JSON.stringify(message))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      controller.abort();
      await server.finished;
    },
  };
}

function answersTo(message: ClientMessage, rows: readonly ActorRow[]): ServerMessage[] {
  const row = "id" in message ? rows.find(({ id }) => id === message.id) : undefined;
  switch (message.type) {
    case "watch": {
      const wanted = rows.filter(({ kind }) => message.filter?.kind?.includes(kind) ?? true);
      const offset = message.offset ?? 0;
      const some = wanted.slice(offset, offset + (message.limit ?? wanted.length));
      return [
        {
          type: "actors",
          sequence: 2,
          wallTime: began,
          rows: some,
          offset,
          matched: wanted.length,
          total: rows.length,
          first: true,
          last: true,
        },
        {
          type: "counts",
          total: rows.length,
          kinds: { pod: { "active.running": rows.length } },
          nodes: {},
          namespaces: {},
          problems: {},
        },
      ];
    }
    case "subscribe":
      return [{ type: "detail", id: message.id, detail: row === undefined ? null : detailOf(row) }];
    case "history":
    case "trace":
    case "object":
      return [{
        type: "answer",
        request: message.request,
        records: recordsOf(row ?? rows[0]!),
        incidents: [],
        ringsOnly: false,
      }];
    default:
      return [];
  }
}
