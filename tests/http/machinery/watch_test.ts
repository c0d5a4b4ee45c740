import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { ApiClient, WatchEvent } from "../../../ports/api_client.ts";
import { admin, testApi } from "./test_api.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };
const pods = { group: "", version: "v1", resource: "pods" };

interface Write {
  readonly name: string;
  readonly value: string | undefined;
  readonly label: string;
}

const write: fc.Arbitrary<Write> = fc.record({
  name: fc.constantFrom("a", "b", "c"),
  value: fc.option(fc.constantFrom("1", "2"), { nil: undefined }),
  label: fc.constantFrom("x", "y"),
});

/** Creates, changes or (without a value) deletes. */
async function carryOut(client: ApiClient, { name, value, label }: Write): Promise<void> {
  try {
    if (value === undefined) return void await client.delete(configMaps, "default", name);
    const metadata = { name, namespace: "default", labels: { l: label } };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value } };
    const patch = { metadata: { labels: { l: label } }, data: { value } };
    await client.create(configMaps, "default", object).catch((error) => {
      if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
      return client.patch(configMaps, "default", name, "merge", patch);
    });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("a list with the events since its resourceVersion makes every later list, whatever is selected", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(write),
      fc.array(write),
      fc.constantFrom("", "l=x"),
      async (before, after, labelSelector) => {
        const { api, stop } = await testApi();
        const client = api.client(admin);
        for (const one of before) await carryOut(client, one);
        const options = { namespace: "default", labelSelector };
        const list = await client.list(configMaps, options);
        const state = new Map(list.items.map((item) => [item.metadata.name, item]));
        const watch = client.watch<KubeObject>(configMaps, { ...options, resourceVersion: list.resourceVersion }, {
          events(batch) {
            for (const event of batch) apply(state, event);
          },
          closed: () => {},
        });
        for (const one of after) await carryOut(client, one);
        const later = await client.list(configMaps, options);
        await turn();
        assertEquals(
          [...state.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
          [...later.items] as KubeObject[],
        );
        watch.cancel();
        stop();
      },
    ),
    { numRuns: 60 },
  );
});

/** An event that contradicts what was seen before is an error. */
function apply(state: Map<string, KubeObject>, event: WatchEvent<KubeObject>): void {
  if (event.type === "BOOKMARK") return;
  const { name } = event.object.metadata;
  assertEquals(state.has(name), event.type !== "ADDED", `${event.type} ${name}`);
  if (event.type === "DELETED") state.delete(name);
  else state.set(name, event.object);
}

Deno.test("pages of a list show one state, whatever is written between them", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(write),
      fc.array(fc.array(write, { maxLength: 3 }), { maxLength: 3 }),
      async (before, between) => {
        const { api, stop } = await testApi();
        const client = api.client(admin);
        for (const one of before) await carryOut(client, one);
        const whole = await client.list(configMaps, { namespace: "default" });
        const items: unknown[] = [];
        let page = await client.list(configMaps, { namespace: "default", limit: 1 });
        items.push(...page.items);
        for (const writes of [...between, [], [], []]) {
          for (const one of writes) await carryOut(client, one);
          if (page.continue === undefined) break;
          page = await client.list(configMaps, { namespace: "default", limit: 1, continue: page.continue });
          items.push(...page.items);
        }
        assertEquals(items, [...whole.items]);
        stop();
      },
    ),
    { numRuns: 60 },
  );
});

const pod = (name: string, nodeName?: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "c", image: "i" }], ...(nodeName === undefined ? {} : { nodeName }) },
});

Deno.test("a watch of one node's pods sees only those, also when they are bound later", async () => {
  const { api, stop } = await testApi();
  const client = api.client(admin);
  const seen: string[] = [];
  const watch = client.watch<KubeObject>(pods, { fieldSelector: "spec.nodeName=n1" }, {
    events: (batch) => {
      for (const event of batch) {
        if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.metadata.name}`);
      }
    },
    closed: () => {},
  });
  await turn();
  await client.create(pods, "default", pod("a", "n1"));
  await client.create(pods, "default", pod("b", "n2"));
  await client.create(pods, "default", pod("c"));
  const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "c" }, target: { kind: "Node", name: "n1" } };
  await client.create(pods, "default", binding, { subresource: "binding", name: "c" });
  await client.delete(pods, "default", "a", { gracePeriodSeconds: 0 });
  await turn();
  assertEquals(seen, ["ADDED a", "ADDED c", "DELETED a"]);
  watch.cancel();
  stop();
});

Deno.test("a watch from before the kept history is told to list again", async () => {
  const { api, storage, stop } = await testApi();
  const client = api.client(admin);
  await carryOut(client, { name: "a", value: "1", label: "x" });
  await turn();
  await api.start();
  const closed = await new Promise<number | undefined>((resolve) => {
    client.watch(configMaps, { resourceVersion: "1" }, { events: () => {}, closed: (status) => resolve(status?.code) });
  });
  assertEquals(closed, 410);
  assert(storage.writes > 0);
  stop();
});

Deno.test("a watch that asks for bookmarks is told where it stands once a minute", async () => {
  const { api, clock, stop } = await testApi();
  const client = api.client(admin);
  const revisions: string[] = [];
  const watch = client.watch(configMaps, { namespace: "elsewhere" }, {
    events: (batch) => {
      for (const event of batch) if (event.type === "BOOKMARK") revisions.push(event.resourceVersion);
    },
    closed: () => {},
  });
  await turn();
  await carryOut(client, { name: "a", value: "1", label: "x" });
  await turn();
  clock.advance(120_000);
  assertEquals(revisions.length, 1);
  watch.cancel();
  stop();
});

Deno.test("objects handed out in the process are frozen and shared", async () => {
  const { api, stop } = await testApi();
  const client = api.client(admin);
  await carryOut(client, { name: "a", value: "1", label: "x" });
  const [one, other] = [await client.get(configMaps, "default", "a"), await client.get(configMaps, "default", "a")];
  assert(one === other && Object.isFrozen(one) && Object.isFrozen(one.metadata.labels));
  stop();
});

Deno.test("an update that changes nothing is not written", async () => {
  const { api, storage, stop } = await testApi();
  const client = api.client(admin);
  await carryOut(client, { name: "a", value: "1", label: "x" });
  const object = await client.get(configMaps, "default", "a");
  const { writes } = storage;
  assertEquals(await client.update(configMaps, structuredClone(object)), object);
  await client.patch(configMaps, "default", "a", "merge", { data: { value: "1" } });
  assertEquals(storage.writes, writes);
  stop();
});

Deno.test("patches that meet are all applied", async () => {
  const { api, stop } = await testApi();
  const client = api.client(admin);
  await carryOut(client, { name: "a", value: "1", label: "x" });
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await Promise.all(keys.map((key) => client.patch(configMaps, "default", "a", "merge", { data: { [key]: "v" } })));
  const { data } = await client.get<{ data: Record<string, string> }>(configMaps, "default", "a");
  assertEquals(Object.keys(data).length, 21);
  stop();
});

Deno.test("a dry run writes nothing and answers what would have been", async () => {
  const { api, storage, stop } = await testApi();
  const client = api.client(admin);
  const { writes } = storage;
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "d" }, data: { a: "b" } };
  const made = await client.create(configMaps, "default", object, { dryRun: true });
  assertEquals([made.metadata.name, made.metadata.resourceVersion], ["d", undefined] as unknown[]);
  assertEquals(storage.writes, writes);
  stop();
});
