import { assertEquals } from "@std/assert";
import { serve } from "../../../http/server.ts";
import { type WebSocket, webSocketPackage } from "../../../http/streaming/web_socket.ts";
import { type TestApi, testApi } from "../machinery/test_api.ts";
import { authority, serving } from "../server/keys.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };
const path = "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0";

/** What a client at the other end of a WebSocket sees. */
class Listening {
  readonly messages: { readonly data: Uint8Array; readonly isBinary: boolean }[] = [];
  #wake: () => void = () => {};
  readonly closed: Promise<void>;

  constructor(readonly socket: WebSocket) {
    socket.on("message", (data, isBinary) => {
      this.messages.push({ data: data as Uint8Array, isBinary });
      this.#wake();
    });
    this.closed = new Promise((resolve) => socket.on("close", resolve));
  }

  async has(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  events(): string[] {
    return this.messages.map(({ data }) => {
      const { type, object } = JSON.parse(new TextDecoder().decode(data));
      return `${type} ${object.metadata.name}`;
    });
  }
}

async function withServer(
  body: (
    api: TestApi,
    watch: (headers?: Record<string, string>, protocols?: readonly string[]) => Promise<Listening>,
    drain: () => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const api = await testApi();
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    fetch: (request, environment) => api.app.fetch(request, environment),
  });
  const { WebSocket } = await webSocketPackage();
  const sockets: Listening[] = [];
  try {
    await body(
      api,
      async (headers = {}, protocols = []) => {
        const url = `wss://127.0.0.1:${server.addresses[0]!.port}${path}`;
        const listening = new Listening(new WebSocket(url, protocols, { ca: authority.certificate, headers }));
        sockets.push(listening);
        await new Promise<void>((resolve, reject) => {
          listening.socket.on("open", resolve);
          listening.socket.on("error", reject);
        });
        return listening;
      },
      () => server.close(1_000),
    );
  } finally {
    for (const { socket } of sockets) socket.terminate();
    await Promise.all(sockets.map(({ closed }) => closed));
    await server.close(0);
    api.stop();
  }
}

async function make({ api }: TestApi, name: string): Promise<void> {
  const client = api.client({ name: "maker", groups: ["system:masters"] });
  await client.create(configMaps, "default", { apiVersion: "v1", kind: "ConfigMap", metadata: { name } } as never);
}

Deno.test("a watch over WebSocket is a message of text for every event, several at once too", () =>
  withServer(async (api, watch) => {
    await make(api, "a");
    await make(api, "b");
    const listening = await watch();
    await listening.has(2);
    await make(api, "c");
    await listening.has(3);
    assertEquals(listening.events(), ["ADDED a", "ADDED b", "ADDED c"]);
    assertEquals(listening.messages.some(({ isBinary }) => isBinary), false);
  }));

Deno.test("a watch over WebSocket in protobuf is a message of bytes for every event, without its length", () =>
  withServer(async (api, watch) => {
    await make(api, "a");
    const listening = await watch({ accept: "application/vnd.kubernetes.protobuf" });
    await listening.has(1);
    const { data, isBinary } = listening.messages[0]!;
    assertEquals([isBinary, new TextDecoder().decode(data.subarray(0, 7))], [true, "\n\x05ADDED"]);
  }));

Deno.test("a watch over WebSocket agrees to whatever subprotocol its client speaks", () =>
  withServer(async (_api, watch) => {
    assertEquals((await watch({}, ["base64.binary.k8s.io"])).socket.protocol, "base64.binary.k8s.io");
  }));

Deno.test("a watch over WebSocket ends in order when the server drains", () =>
  withServer(async (api, watch, drain) => {
    await make(api, "a");
    const listening = await watch();
    await listening.has(1);
    await drain();
    await listening.closed;
    assertEquals(listening.events(), ["ADDED a"]);
  }));
