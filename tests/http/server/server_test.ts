import { assert, assertEquals } from "@std/assert";
import http2 from "node:http2";
import https from "node:https";
import { answered, serve, type ServeOptions, type ServerEnvironment } from "../../../http/server.ts";
import { admin, authority, expired, serverOnly, serving, stranger } from "./keys.ts";

type Reply = { status: number; headers: Record<string, unknown>; body: string };
interface Call {
  readonly path?: string;
  readonly method?: string;
  readonly body?: Uint8Array | string;
  readonly pair?: { certificate: string; key: string };
}

function withServer(fetch: ServeOptions["fetch"]) {
  return serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    fetch,
  });
}

/** One request over each HTTP version, on a connection of its own. */
const versions: Record<string, (port: number, call: Call) => Promise<Reply>> = {
  "HTTP/1.1": (port, call) =>
    new Promise((resolve, reject) => {
      const agent = new https.Agent({ keepAlive: false });
      const request = https.request({
        host: "127.0.0.1",
        port,
        path: call.path ?? "/",
        method: call.method ?? "GET",
        ca: authority.certificate,
        agent,
        ...(call.pair === undefined ? {} : { cert: call.pair.certificate, key: call.pair.key }),
        ...(call.body === undefined ? {} : { headers: { "content-length": call.body.length } }),
      }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => body += chunk);
        response.on("end", () => {
          agent.destroy();
          resolve({ status: response.statusCode!, headers: response.headers, body });
        });
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(call.body);
    }),
  "HTTP/2": (port, call) =>
    new Promise((resolve, reject) => {
      const session = http2.connect(`https://127.0.0.1:${port}`, {
        ca: authority.certificate,
        ...(call.pair === undefined ? {} : { cert: call.pair.certificate, key: call.pair.key }),
      });
      session.on("error", reject);
      // A server that drains may have closed the connection before the end of the answer is read.
      const closed = new Promise<void>((done) => session.on("close", done));
      const stream = session.request({ ":path": call.path ?? "/", ":method": call.method ?? "GET" });
      let body = "";
      let headers: Record<string, unknown> = {};
      stream.setEncoding("utf8");
      stream.on("response", (received) => headers = received);
      stream.on("data", (chunk: string) => body += chunk);
      stream.on("error", reject);
      stream.on("end", () => {
        session.close();
        void closed.then(() => resolve({ status: Number(headers[":status"]), headers, body }));
      });
      stream.end(call.body);
    }),
};

const sendBody = async (request: Request) => Response.json({ length: (await request.bytes()).length });
const showCertificate = (_: Request, { credentials }: ServerEnvironment) => {
  const { clientCertificate: sent, clientCertificateError = null } = credentials;
  const clientCertificate = sent === undefined
    ? null
    : { commonName: sent.commonName, organizations: sent.organizations };
  return Response.json({ clientCertificate, refused: clientCertificateError !== null });
};

const cases: { name: string; fetch: ServeOptions["fetch"]; call: Call; status: number; body: unknown }[] = [
  {
    name: "gives the URL, method and headers",
    fetch: (request) => Response.json([request.method, new URL(request.url).pathname, request instanceof Request]),
    call: { path: "/api?x=1", method: "DELETE" },
    status: 200,
    body: ["DELETE", "/api", true],
  },
  { name: "reads a body", fetch: sendBody, call: { method: "POST", body: "hello" }, status: 200, body: { length: 5 } },
  {
    name: "refuses a body of more than 3 MiB with a Status",
    fetch: sendBody,
    call: { method: "POST", body: new Uint8Array(3 * 1024 * 1024 + 1) },
    status: 413,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Request entity too large: limit is 3145728",
      reason: "RequestEntityTooLarge",
      code: 413,
    },
  },
  {
    name: "accepts a body of exactly 3 MiB",
    fetch: sendBody,
    call: { method: "POST", body: new Uint8Array(3 * 1024 * 1024) },
    status: 200,
    body: { length: 3145728 },
  },
  {
    name: "answers through the raw response",
    fetch: (_, { raw }) => {
      raw.begin(200, { "content-type": "application/json" });
      raw.write("[1,");
      raw.write(new TextEncoder().encode("2]"));
      raw.end();
      return answered;
    },
    call: {},
    status: 200,
    body: [1, 2],
  },
  {
    name: "streams a body of several chunks",
    fetch: () =>
      new Response(ReadableStream.from(['["', "a".repeat(70_000), '"]'].map((s) => new TextEncoder().encode(s)))),
    call: {},
    status: 200,
    body: ["a".repeat(70_000)],
  },
  {
    name: "knows the bearer of a client certificate",
    fetch: showCertificate,
    call: { pair: admin },
    status: 200,
    body: { clientCertificate: { commonName: "admin", organizations: ["system:masters", "ops"] }, refused: false },
  },
  ...([["none", undefined, false], ["one of another authority", stranger, true], [
    "one that has expired",
    expired,
    true,
  ], [
    "one that is for servers only",
    serverOnly,
    true,
  ]] as const).map(([name, pair, refused]) => ({
    name: `believes no certificate when sent ${name}`,
    fetch: showCertificate,
    call: pair === undefined ? {} : { pair },
    status: 200,
    body: { clientCertificate: null, refused },
  })),
  {
    name: "answers a bug with a 500 Status",
    fetch: () => Promise.reject(new Error("boom")),
    call: {},
    status: 500,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Internal error occurred: boom",
      reason: "InternalError",
      code: 500,
    },
  },
];

for (const [version, send] of Object.entries(versions)) {
  for (const { name, fetch, call, status, body } of cases) {
    Deno.test(`the server over ${version} ${name}`, async () => {
      const server = await withServer(fetch);
      try {
        const reply = await send(server.addresses[0]!.port, call);
        assertEquals({ status: reply.status, body: JSON.parse(reply.body) }, { status, body });
      } finally {
        await server.close(1_000);
      }
    });
  }

  Deno.test(`the server over ${version} drains: requests finish, watches are told, nothing is accepted`, async () => {
    const slow = Promise.withResolvers<void>();
    const watching = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const server = await withServer(async (request, { raw }) => {
      if (request.url.endsWith("/watch")) {
        raw.begin(200, {});
        raw.write("first ");
        raw.onDraining(() => {
          raw.write("last");
          raw.end();
        });
        watching.resolve();
        return answered;
      }
      entered.resolve();
      await slow.promise;
      return new Response("finished");
    });
    const { port } = server.addresses[0]!;
    const watch = send(port, { path: "/watch" });
    const request = send(port, { path: "/slow" });
    await Promise.all([watching.promise, entered.promise]);
    const closing = server.close(5_000);
    assertEquals((await watch).body, "first last");
    slow.resolve();
    assertEquals((await request).body, "finished");
    await closing;
    assertEquals(server.connections, 0);
    const refused = await send(port, {}).then(() => false, () => true);
    assert(refused, "a closed server accepted a connection");
  });
}
