/** What a server may do to a client and a real one rarely does: streams that break, expire, or come in odd pieces. */
import { assertEquals, assertRejects } from "@std/assert";
import { httpClient } from "../../../actors/api_client/http_client.ts";
import { answered, serve, type ServerEnvironment } from "../../../http/server.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError, type Status } from "../../../machines/objects/status.ts";
import { authority, serving } from "../../http/server/keys.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };
type Raw = ServerEnvironment["raw"];

async function withServer(
  answer: (request: Request, raw: Raw) => Response | Promise<Response>,
  body: (client: ReturnType<typeof httpClient>) => Promise<void>,
): Promise<void> {
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    fetch: (request, { raw }) => answer(request, raw),
  });
  const servers = [`https://127.0.0.1:${server.addresses[0]!.port}`];
  const client = httpClient({ servers, authority: authority.certificate, userAgent: "test", token: "secret" });
  try {
    await body(client);
  } finally {
    client.close();
    await server.close(100);
  }
}

const line = (type: string, name: string) =>
  `${
    JSON.stringify({ type, object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, resourceVersion: "7" } } })
  }\n`;
const expired: Status = {
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  reason: "Expired",
  code: 410,
  message: "too old resource version",
};

const streams: { name: string; pieces: Uint8Array[]; end: "end" | "destroy"; names: string[]; code?: number }[] = [
  {
    name: "puts lines together that come in pieces, in the middle of a character even",
    pieces: cut(line("ADDED", "grüße") + line("MODIFIED", "b"), 5),
    end: "end",
    names: ["ADDED grüße", "MODIFIED b"],
  },
  {
    name: "says that a revision is no more, after what came before",
    pieces: [new TextEncoder().encode(line("ADDED", "a") + JSON.stringify({ type: "ERROR", object: expired }) + "\n")],
    end: "end",
    names: ["ADDED a"],
    code: 410,
  },
  {
    name: "keeps what came before the connection broke, and leaves out half a line",
    pieces: [new TextEncoder().encode(line("ADDED", "a") + '{"type":"ADD')],
    end: "destroy",
    names: ["ADDED a"],
  },
  {
    name: "hands on bookmarks",
    pieces: [new TextEncoder().encode(line("BOOKMARK", ""))],
    end: "end",
    names: ["BOOKMARK 7"],
  },
];

for (const { name, pieces, end, names, code } of streams) {
  Deno.test(`httpClient's watch ${name}`, async () => {
    await withServer(async (_, raw) => {
      raw.begin(200, { "content-type": "application/json" });
      for (const piece of pieces) {
        raw.write(piece);
        await new Promise((resolve) => setTimeout(resolve));
      }
      raw[end]();
      return answered;
    }, async (client) => {
      const seen: string[] = [];
      const closed = Promise.withResolvers<Status | undefined>();
      client.watch<KubeObject>(configMaps, { resourceVersion: "7" }, {
        events: (batch) =>
          seen.push(
            ...batch.map((event) =>
              `${event.type} ${event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.name}`
            ),
          ),
        closed: (status) => closed.resolve(status),
      });
      assertEquals([(await closed.promise)?.code, seen], [code, names]);
    });
  });
}

Deno.test("httpClient says what a server answered that is no Status", async () => {
  await withServer(() => new Response("bad gateway", { status: 502 }), async (client) => {
    const error = await assertRejects(() => client.get(configMaps, "default", "a"), ApiError, "bad gateway");
    assertEquals(error.code, 502);
  });
});

Deno.test("httpClient sends its token, its name, and what it was asked for", async () => {
  const heard: unknown[] = [];
  await withServer(async (request) => {
    const { pathname, search } = new URL(request.url);
    const { headers } = request;
    heard.push([request.method, pathname + search, headers.get("authorization"), headers.get("user-agent")]);
    if (request.method !== "GET") heard.push([headers.get("content-type"), await request.json()]);
    return Response.json({ kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: null });
  }, async (client) => {
    await client.list(configMaps, { namespace: "a b", labelSelector: "x in (y)", limit: 3 });
    await client.patch(configMaps, "default", "system:x", "merge", { a: 1 }, { subresource: "status", dryRun: true });
    await client.delete(configMaps, "default", "x", { gracePeriodSeconds: 0, preconditions: { uid: "u" } });
  });
  assertEquals(heard, [
    ["GET", "/api/v1/namespaces/a%20b/configmaps?labelSelector=x+in+%28y%29&limit=3", "Bearer secret", "test"],
    ["PATCH", "/api/v1/namespaces/default/configmaps/system%3Ax/status?dryRun=All", "Bearer secret", "test"],
    ["application/merge-patch+json", { a: 1 }],
    ["DELETE", "/api/v1/namespaces/default/configmaps/x", "Bearer secret", "test"],
    ["application/json", {
      kind: "DeleteOptions",
      apiVersion: "v1",
      gracePeriodSeconds: 0,
      preconditions: { uid: "u" },
    }],
  ]);
});

Deno.test("httpClient's watch is silent once it is cancelled", async () => {
  const opened = Promise.withResolvers<Raw>();
  await withServer((_, raw) => {
    raw.begin(200, { "content-type": "application/json" });
    raw.write(new TextEncoder().encode(line("ADDED", "a")));
    opened.resolve(raw);
    return answered;
  }, async (client) => {
    const seen = Promise.withResolvers<void>();
    let closed = 0;
    const watch = client.watch(configMaps, {}, { events: () => seen.resolve(), closed: () => closed++ });
    const raw = await opened.promise;
    await seen.promise;
    const gone = new Promise<void>((resolve) => raw.onClose(resolve));
    watch.cancel();
    await gone;
    assertEquals(closed, 0);
  });
});

function cut(text: string, size: number): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  return Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, index) => bytes.subarray(index * size, (index + 1) * size),
  );
}
