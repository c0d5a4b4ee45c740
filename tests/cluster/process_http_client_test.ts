/** The API over HTTPS, as the nodes of `up --split` use it, against a real server. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { httpClient } from "../../actors/api_client/http_client.ts";
import { keyFiles } from "../../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../../http/auth/certificates/pki.ts";
import { kubeletSubject } from "../../http/auth/certificates/subjects.ts";
import type { ConfigMap, Node } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { ApiClient, WatchEvent } from "../../ports/api_client.ts";
import { type ApiCluster, startApiCluster } from "../support/api_cluster.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };
const nowhere = "https://127.0.0.1:1";

let cluster: ApiCluster | undefined;
Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());

/** Runs against one server for all tests, with a client of the test's own. */
function apiTest(
  name: string,
  fn: (world: { client: ApiClient; connect(user?: string, servers?: string[]): Promise<ApiClient> }) => Promise<void>,
): void {
  Deno.test(`httpClient ${name}`, async () => {
    const { master, directory } = cluster ??= await startApiCluster();
    const opened: { close(): void }[] = [];
    const connect = async (node?: string, servers = [master.server]) => {
      const subject = node === undefined
        ? { commonName: "test", organizations: ["system:masters"], usages: ["client" as const] }
        : kubeletSubject(node);
      const certificate = await keptCertificate(
        keyFiles(`${directory}/keys`),
        node ?? "admin",
        master.keys.authority,
        subject,
        Date.now(),
      );
      const client = httpClient({
        servers,
        authority: master.keys.authority.certificate,
        certificate,
        userAgent: "test",
      });
      opened.push(client);
      return client;
    };
    try {
      await fn({ client: await connect(), connect });
    } finally {
      for (const each of opened) each.close();
    }
  });
}

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

/** Collects what a watch says until a condition holds. */
function following(client: ApiClient, options: { resourceVersion: string; fieldSelector?: string }) {
  const events: WatchEvent<ConfigMap>[] = [];
  const closed = Promise.withResolvers<Status | undefined>();
  let changed = Promise.withResolvers<void>();
  const watch = client.watch<ConfigMap>(configMaps, { namespace: "default", ...options }, {
    events(batch) {
      events.push(...batch);
      changed.resolve();
      changed = Promise.withResolvers();
    },
    closed: (status) => closed.resolve(status),
  });
  const until = async (holds: (events: readonly WatchEvent<ConfigMap>[]) => boolean) => {
    while (!holds(events)) await changed.promise;
  };
  return { events, until, closed: closed.promise, cancel: () => watch.cancel() };
}

apiTest("creates, reads, lists in pages, replaces and deletes", async ({ client }) => {
  for (const name of ["crud-a", "crud-b", "crud-c"]) {
    await client.create(configMaps, "default", { ...configMap(name), metadata: { name, labels: { of: "crud" } } });
  }
  const first = await client.list<ConfigMap>(configMaps, { namespace: "default", labelSelector: "of=crud", limit: 2 });
  assertEquals(first.items.map(({ kind, metadata }) => [kind, metadata.name]), [
    ["ConfigMap", "crud-a"],
    ["ConfigMap", "crud-b"],
  ]);
  const rest = await client.list<ConfigMap>(configMaps, {
    namespace: "default",
    labelSelector: "of=crud",
    continue: first.continue!,
  });
  assertEquals(rest.items.map(({ metadata }) => metadata.name), ["crud-c"]);
  assert(Object.isFrozen(rest.items[0]!.metadata));
  const found = await client.get<ConfigMap>(configMaps, "default", "crud-a");
  const replaced = await client.update<ConfigMap>(configMaps, { ...found, data: { a: "1" } });
  assertEquals(replaced.data, { a: "1" });
  const conflict = await assertRejects(() => client.update(configMaps, { ...found, data: {} }), ApiError);
  assertEquals([conflict.code, conflict.reason], [409, "Conflict"]);
  await client.deleteCollection(configMaps, { namespace: "default", labelSelector: "of=crud" });
  const gone = await assertRejects(() => client.get(configMaps, "default", "crud-a"), ApiError);
  assertEquals([gone.code, gone.reason], [404, "NotFound"]);
});

apiTest("patches in all four ways", async ({ client }) => {
  await client.create(configMaps, "default", configMap("patched", { a: "1" }));
  const patch = (...[type, body, options]: [Parameters<ApiClient["patch"]>[3], unknown, object?]) =>
    client.patch<ConfigMap>(configMaps, "default", "patched", type, body, options);
  assertEquals((await patch("merge", { data: { b: "2" } })).data, { a: "1", b: "2" });
  assertEquals((await patch("strategic", { data: { a: null } })).data, { b: "2" });
  assertEquals((await patch("json", [{ op: "add", path: "/data/c", value: "3" }])).data, { b: "2", c: "3" });
  const applied = { ...configMap("patched", { d: "4" }) };
  assertEquals((await patch("apply", applied, { fieldManager: "me", force: true })).data, { b: "2", c: "3", d: "4" });
  const dry = await patch("merge", { data: { e: "5" } }, { dryRun: true });
  assertEquals([dry.data?.["e"], (await client.get<ConfigMap>(configMaps, "default", "patched")).data?.["e"]], [
    "5",
    undefined,
  ]);
});

apiTest("watches every change in order, and hears nothing after it has cancelled", async ({ client }) => {
  const { resourceVersion } = await client.list(configMaps, { namespace: "default" });
  const { events, until, cancel } = following(client, { resourceVersion, fieldSelector: "metadata.name=seen" });
  await client.create(configMaps, "default", configMap("seen", { n: "0" }));
  for (let n = 1; n <= 50; n++) {
    await client.patch(configMaps, "default", "seen", "merge", { data: { n: String(n) } });
  }
  await client.delete(configMaps, "default", "seen");
  await until((all) => all.some(({ type }) => type === "DELETED"));
  const told = events.flatMap((event) =>
    event.type === "BOOKMARK" ? [] : [`${event.type} ${event.object.data?.["n"]}`]
  );
  const modified = Array.from({ length: 50 }, (_, n) => `MODIFIED ${n + 1}`);
  assertEquals(told, ["ADDED 0", ...modified, "DELETED 50"]);
  cancel();
  const before = events.length;
  await client.create(configMaps, "default", configMap("seen"));
  await client.delete(configMaps, "default", "seen");
  assertEquals(events.length, before);
});

apiTest("carries objects of a megabyte, also when a watch brings them in pieces", async ({ client }) => {
  const { resourceVersion } = await client.list(configMaps, { namespace: "default" });
  const { events, until, cancel } = following(client, { resourceVersion, fieldSelector: "metadata.name=large" });
  const text = "grüße\n".repeat(120_000);
  await client.create(configMaps, "default", configMap("large", { text }));
  await until((all) => all.length > 0);
  const [event] = events;
  assert(event?.type === "ADDED" && event.object.data?.["text"] === text);
  cancel();
  const refused = await assertRejects(
    () => client.patch(configMaps, "default", "large", "merge", { data: { text: "x".repeat(1_200_000) } }),
    ApiError,
  );
  assertEquals(refused.code, 422);
});

apiTest("asks the next server when one is not there, and says so when none is", async ({ connect }) => {
  const { server } = cluster!.master;
  const client = await connect(undefined, [nowhere, server]);
  const { items } = await client.list(resources.nodes);
  assertEquals(items.length, 0);
  await client.create(configMaps, "default", configMap("second"));
  const { resourceVersion } = await client.list(configMaps);
  const lost = await connect(undefined, [nowhere]);
  const error = await assertRejects(() => lost.list(configMaps), ApiError, nowhere);
  assertEquals([error.code, error.reason], [503, "ServiceUnavailable"]);
  // A watch that cannot be opened ends as one that broke: taken up again later.
  assertEquals((await following(lost, { resourceVersion }).closed)?.code, 503);
});

apiTest("has the rights of its certificate", async ({ connect }) => {
  const node = await connect("worker-7");
  const object = (name: string) => ({ apiVersion: "v1", kind: "Node", metadata: { name } });
  const created = await node.create<Node>(resources.nodes, undefined, object("worker-7"));
  assertEquals(created.metadata.name, "worker-7");
  const error = await assertRejects(() => node.create(resources.nodes, undefined, object("worker-8")), ApiError);
  assertEquals(error.code, 403);
  await assertRejects(() => node.list({ group: "", version: "v1", resource: "secrets" }), ApiError, "forbidden");
});
