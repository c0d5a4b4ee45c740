import { Exec, KubeConfig, PortForward } from "@kubernetes/client-node";
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import https from "node:https";
import { PassThrough, Writable } from "node:stream";
import tls from "node:tls";
import { SpdyConnection } from "../../../http/streaming/spdy/spdy_connection.ts";
import { type WebSocket, webSocketPackage } from "../../../http/streaming/web_socket.ts";
import { admin, authority, stranger } from "../server/keys.ts";
import { cluster, kubeletClient } from "./cluster.ts";

const ca = authority.certificate;
const exec = "/api/v1/namespaces/ns/pods/p/exec";

function get(port: number, path: string, pair?: { certificate: string; key: string }) {
  const certificate = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  const agent = new https.Agent({ keepAlive: false, ca, ...certificate });
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    https.get({ host: "127.0.0.1", port, path, agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => body += chunk);
      response.on("end", () => {
        agent.destroy();
        resolve({ status: response.statusCode!, body });
      });
    }).on("error", reject);
  });
}

async function open(port: number, path: string, protocols: string[]) {
  const { WebSocket } = await webSocketPackage();
  const socket: WebSocket = new WebSocket(`wss://127.0.0.1:${port}${path}`, protocols, { ca });
  const messages: Buffer[] = [];
  socket.on("message", (data) => messages.push(Buffer.from(data as Uint8Array)));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const opened = new Promise<void>((resolve, reject) => {
    socket.on("open", () => resolve());
    socket.on("error", reject);
  });
  await opened;
  return { socket, messages, closed };
}

/** Bytes by channel, and the status. */
function sorted(messages: readonly Buffer[], base64 = false) {
  const channels: Record<number, string> = {};
  for (const message of messages) {
    const channel = message[0]! - (base64 ? 48 : 0);
    const payload = base64 ? Buffer.from(String(message.subarray(1)), "base64") : message.subarray(1);
    channels[channel] = (channels[channel] ?? "") + String(payload);
  }
  const { 3: status, ...rest } = channels;
  return { ...rest, status: status === undefined ? undefined : JSON.parse(status) };
}

const success = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
const cases: {
  name: string;
  query: string;
  protocol: string;
  send?: (socket: WebSocket) => void;
  expected: unknown;
}[] = [
  {
    name: "sends both outputs",
    query: "command=both&stdout=true&stderr=true",
    protocol: "v5.channel.k8s.io",
    expected: { 1: "to stdout\n", 2: "to stderr\n", status: success },
  },
  {
    name: "tells an exit code",
    query: "command=exit&command=3&stdout=true",
    protocol: "v4.channel.k8s.io",
    expected: {
      1: "",
      status: {
        ...success,
        status: "Failure",
        message: "command terminated with non-zero exit code: exit status 3",
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: "3" }] },
      },
    },
  },
  {
    name: "tells why a command did not start",
    query: "command=missing&stdout=true",
    protocol: "v5.channel.k8s.io",
    expected: {
      1: "",
      status: {
        ...success,
        status: "Failure",
        message:
          'Internal error occurred: error executing command in container: exec: "missing": executable file not found in $PATH',
        reason: "InternalError",
        code: 500,
      },
    },
  },
  {
    name: "ends the input on a half-close",
    query: "command=cat&stdin=true&stdout=true",
    protocol: "v5.channel.k8s.io",
    send(socket) {
      socket.send(Buffer.from("\0hello "));
      socket.send(Buffer.from("\0world"));
      socket.send(Buffer.from([255, 0]));
    },
    expected: { 1: "hello world", status: success },
  },
  {
    name: "speaks base64",
    query: "command=echo&command=hi&stdout=true",
    protocol: "v4.base64.channel.k8s.io",
    expected: { 1: "hi\n", status: success },
  },
  {
    name: "passes the terminal's size on",
    query: "command=size&stdout=true&tty=true",
    protocol: "v5.channel.k8s.io",
    send: (socket) => socket.send(Buffer.concat([Buffer.from([4]), Buffer.from('{"Width":80,"Height":24}')])),
    expected: { 1: "80x24\n", status: success },
  },
  {
    name: "loses nothing of a long output",
    query: "command=big&stdout=true",
    protocol: "v5.channel.k8s.io",
    expected: { 1: "a".repeat(64 * 65_536), status: success },
  },
];
for (const { name, query, protocol, send, expected } of cases) {
  Deno.test(`exec over WebSocket ${name} (${protocol})`, async () => {
    const world = await cluster();
    const { socket, messages, closed } = await open(world.port, `${exec}?${query}`, [protocol]);
    assertEquals(socket.protocol, protocol);
    send?.(socket);
    await closed;
    assertEquals(sorted(messages, protocol.includes("base64")), expected as ReturnType<typeof sorted>);
    await world.idle();
    assertEquals(world.errors, []);
    await world.close();
  });
}

Deno.test("a client that leaves takes its process along", async () => {
  const world = await cluster();
  const { socket, closed } = await open(world.port, `${exec}?command=sleep&stdout=true`, ["v5.channel.k8s.io"]);
  while (world.streams.running === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.close(1000);
  await closed;
  await world.idle();
  await world.close();
});

Deno.test("a WebSocket needs the right to create a session, as a POST does", async () => {
  const asked: string[] = [];
  const world = await cluster({
    authorizer: {
      authorize: ({ verb, resource, subresource }) => {
        asked.push(`${verb} ${resource}/${subresource}`);
        return { allowed: false, reason: "" };
      },
    },
  });
  const { WebSocket } = await webSocketPackage();
  const url = `wss://127.0.0.1:${world.port}${exec}?command=echo&stdout=true`;
  const socket = new WebSocket(url, ["v5.channel.k8s.io"], { ca });
  const refused = new Promise<string>((resolve) => socket.on("error", ({ message }) => resolve(message)));
  assertEquals([await refused, asked], ["Unexpected server response: 403", ["create pods/exec"]]);
  await world.close();
});

Deno.test("a server that stops does not wait for sessions that last", async () => {
  const world = await cluster();
  const { closed } = await open(world.port, `${exec}?command=sleep&stdout=true`, ["v5.channel.k8s.io"]);
  await world.server.close(3_600_000);
  await closed;
  await world.idle();
  await world.close();
});

/** An upgraded SPDY/3.1 connection as a client of Kubernetes opens it. */
async function spdy(port: number, path: string, protocol: string) {
  const socket = tls.connect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"] });
  await new Promise((resolve) => socket.once("secureConnect", () => resolve(undefined)));
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
      `X-Stream-Protocol-Version: ${protocol}\r\nContent-Length: 0\r\n\r\n`,
  );
  let head = Buffer.alloc(0);
  while (!head.includes("\r\n\r\n")) {
    head = Buffer.concat([head, await new Promise<Buffer>((resolve) => socket.once("data", resolve))]);
  }
  const end = head.indexOf("\r\n\r\n") + 4;
  const closed = Promise.withResolvers<void>();
  const connection = new SpdyConnection(socket, { side: "client", onClose: () => closed.resolve() });
  connection.unshift(head.subarray(end));
  return { connection, head: String(head.subarray(0, end)), closed: closed.promise, socket };
}

async function text(readable: ReadableStream<Uint8Array>): Promise<string> {
  let all = "";
  const decoder = new TextDecoder();
  for await (const chunk of readable) all += decoder.decode(chunk, { stream: true });
  return all;
}

Deno.test("exec over SPDY/3.1 carries input, output and the exit code", async () => {
  const world = await cluster();
  const path = `${exec}?command=cat&stdin=true&stdout=true&stderr=true`;
  const { connection, head, closed } = await spdy(world.port, path, "v4.channel.k8s.io");
  assert(head.startsWith("HTTP/1.1 101 ") && /x-stream-protocol-version: v4\.channel\.k8s\.io/i.test(head), head);
  const [error, stdin, stdout, stderr] = ["error", "stdin", "stdout", "stderr"].map((streamType) =>
    connection.open({ streamType })
  );
  await Promise.all([error!, stdin!, stdout!, stderr!].map((stream) => stream.reply));
  const writer = stdin!.writable.getWriter();
  await writer.write(Buffer.from("over spdy"));
  await writer.close();
  const all = await Promise.all([stdout!, stderr!, error!].map(({ readable }) => text(readable)));
  assertEquals([all[0], all[1], JSON.parse(all[2]!)], ["over spdy", "", success]);
  connection.close();
  await closed;
  await world.idle();
  assertEquals(world.errors, []);
  await world.close();
});

async function forwardOnce(connection: SpdyConnection, requestID: string, port: number) {
  const headers = { port: String(port), requestID };
  const error = connection.open({ streamType: "error", ...headers }, { fin: true });
  const data = connection.open({ streamType: "data", ...headers });
  const writer = data.writable.getWriter();
  void writer.write(Buffer.from(`ping ${requestID}`)).then(() => writer.close()).catch(() => {});
  return await Promise.all([text(data.readable), text(error.readable)]);
}

Deno.test("port-forward over SPDY/3.1 carries many connections, and tells refusals of each", async () => {
  const world = await cluster();
  const { connection, closed } = await spdy(
    world.port,
    "/api/v1/namespaces/ns/pods/p/portforward",
    "portforward.k8s.io",
  );
  const answers = await Promise.all([
    forwardOnce(connection, "0", 7),
    forwardOnce(connection, "1", 7),
    forwardOnce(connection, "2", 9),
  ]);
  assertEquals(answers, [
    ["PING 0", ""],
    ["PING 1", ""],
    ["", "error forwarding port 9 to pod: dial tcp 127.0.0.1:9: connect: connection refused"],
  ]);
  connection.close();
  await closed;
  await world.close();
});

function clientConfig(port: number): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `https://127.0.0.1:${port}`, caData: btoa(ca), skipTLSVerify: false },
    { name: "u", certData: btoa(admin.certificate), keyData: btoa(admin.key) },
  );
  return config;
}

Deno.test("@kubernetes/client-node executes commands", async () => {
  const world = await cluster();
  let out = "";
  const stdout = new Writable({ write: (chunk, _encoding, done) => (out += chunk, done()) });
  const stdin = new PassThrough();
  stdin.end("from the library");
  const status = await new Promise((resolve, reject) => {
    new Exec(clientConfig(world.port)).exec("ns", "p", "main", ["cat"], stdout, null, stdin, false, resolve).catch(
      reject,
    );
  });
  assertEquals([out, status], ["from the library", success]);
  await world.close();
});

Deno.test("@kubernetes/client-node forwards ports", async () => {
  const world = await cluster();
  const output = new PassThrough();
  const answer = new Promise<string>((resolve) => output.once("data", (chunk) => resolve(String(chunk))));
  const input = new PassThrough();
  const socket = await new PortForward(clientConfig(world.port)).portForward("ns", "p", [7], output, null, input);
  input.write("library");
  assertEquals(await answer, "LIBRARY");
  (socket as unknown as { close(): void }).close();
  await world.close();
});

const logs: { path: string; status: number; body: string }[] = [
  { path: "p/log", status: 200, body: "first\n" },
  { path: "p/log?container=main&tailLines=5&timestamps=true", status: 200, body: "first\n" },
  { path: "free/log", status: 200, body: "" },
  { path: "p/log?container=zz", status: 400, body: "container zz is not valid for pod p" },
  {
    path: "p/log?container=waiting",
    status: 400,
    body: 'container "waiting" in pod "p" is waiting to start: ContainerCreating',
  },
  {
    path: "two/log",
    status: 400,
    body: "a container name must be specified for pod two, choose one of: [main waiting]",
  },
  { path: "nope/log", status: 404, body: 'pods "nope" not found' },
  { path: "lost/log?container=main", status: 404, body: 'nodes "gone" not found' },
  {
    path: "p/log?tailLines=-1",
    status: 422,
    body: 'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  },
  { path: "p/exec?command=x&stdout=true", status: 400, body: "Upgrade request required" },
  { path: "p/exec?stdout=true", status: 400, body: "you must specify at least 1 command for the container" },
  { path: "p/attach", status: 400, body: "you must specify at least 1 of stdin, stdout, stderr" },
  { path: "free/exec?command=x&stdout=true", status: 400, body: "Upgrade request required" },
];
for (const { path, status, body } of logs) {
  Deno.test(`GET ${path} is answered ${status}`, async () => {
    const world = await cluster();
    const reply = await get(world.port, `/api/v1/namespaces/ns/pods/${path}`);
    const said = reply.status === 200 ? reply.body : JSON.parse(reply.body).message;
    assertEquals([reply.status, said], [status, body]);
    await world.close();
  });
}

Deno.test("a log is followed until its end", async () => {
  const world = await cluster();
  const reply = get(world.port, "/api/v1/namespaces/ns/pods/p/log?follow=true");
  while (world.streams.endLogs === undefined) await new Promise((resolve) => setImmediate(resolve));
  world.streams.endLogs();
  assertEquals(await reply, { status: 200, body: "first\nlast\n" });
  await world.close();
});

Deno.test("the kubelet lets in the API server, and tells strangers so", async () => {
  const world = await cluster();
  const ask = async (path: string, pair?: typeof admin) => (await get(world.kubeletPort, path, pair)).status;
  assertEquals(
    [
      await ask("/pods", kubeletClient),
      await ask("/pods", admin),
      await ask("/healthz", kubeletClient),
      await ask("/nope", kubeletClient),
      await ask("/pods"),
      await ask("/pods", stranger),
    ],
    [200, 200, 200, 404, 401, 401],
  );
  await world.close();
});
