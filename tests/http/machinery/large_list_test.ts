import { assertEquals } from "@std/assert";
import { type TestApi, testApi } from "./test_api.ts";

const json = { "content-type": "application/json" };
type Item = { metadata: { name: string; namespace: string }; data: Record<string, string> };

async function write(api: TestApi, method: "POST" | "PUT", namespace: string, name: string, value: string) {
  const body = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data: { value, padding: "x".repeat(30_000) },
  });
  const path = `/api/v1/namespaces/${namespace}/configmaps${method === "PUT" ? `/${name}` : ""}`;
  const reply = await api.request(path, { method, headers: json, body });
  assertEquals(reply.ok, true, await reply.text());
}

/** `namespace/name=value` of each item; the list says the revision it was read at. */
async function listed(api: TestApi, namespace?: string): Promise<string[]> {
  const place = namespace === undefined ? "" : `namespaces/${namespace}/`;
  const reply = await api.request(`/api/v1/${place}configmaps`);
  const text = reply.text();
  let isWhole = false;
  text.then(() => isWhole = true, () => isWhole = true);
  // A piece a turn.
  while (!isWhole) {
    api.clock.run();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const { items, metadata } = JSON.parse(await text) as { items: Item[]; metadata: { resourceVersion: string } };
  assertEquals(metadata.resourceVersion, String(api.api.cache.revision));
  return items.map(({ metadata: { namespace, name }, data }) => `${namespace}/${name}=${data["value"]}`);
}

for (const [size, count] of [["in one piece", 4], ["in several pieces", 60]] as const) {
  Deno.test(`a large list ${size} is the same when asked for again, and another when an object has changed`, async () => {
    const api = await testApi();
    try {
      const names = Array.from({ length: count }, (_, index) => `c${String(index).padStart(2, "0")}`);
      for (const name of names) await write(api, "POST", "one", name, "1");
      await write(api, "POST", "two", "c", "1");
      const one = names.map((name) => `one/${name}=1`);
      for (let round = 0; round < 2; round++) {
        assertEquals([await listed(api, "one"), await listed(api)], [one, [...one, "two/c=1"]]);
      }
      await write(api, "PUT", "one", "c00", "2");
      one[0] = "one/c00=2";
      assertEquals([await listed(api, "one"), await listed(api)], [one, [...one, "two/c=1"]]);
      await write(api, "PUT", "two", "c", "2");
      assertEquals([await listed(api, "one"), await listed(api)], [one, [...one, "two/c=2"]]);
      await api.request("/api/v1/namespaces/one/configmaps/c01", { method: "DELETE" });
      one.splice(1, 1);
      await write(api, "POST", "one", "c99", "1");
      one.push("one/c99=1");
      assertEquals([await listed(api, "one"), await listed(api)], [one, [...one, "two/c=2"]]);
    } finally {
      api.stop();
    }
  });
}
