import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { Resource } from "../../../http/machinery/types.ts";
import { row } from "../../../http/resources/row.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { SchemaAccess } from "../../../http/machinery/schema_access.ts";
import { admin, testApi } from "./test_api.ts";

const widgets: Resource = row({ group: "example.com", version: "v1", resource: "widgets", kind: "Widget" });
const ref = { group: "example.com", version: "v1", resource: "widgets" };

/** Types nobody knows: anything goes. */
const open: Partial<SchemaAccess> = {
  decodeValue: (value) => ({ object: value as never, errors: [] }),
  typeOf: () => undefined,
};

Deno.test("a resource that is added is served with what the store has of it, and watched", async () => {
  const { api, storage, stop } = await testApi({ schema: open });
  const client = api.client(admin);
  await assertRejects(() => client.list(ref), ApiError, "could not find the requested resource");
  await api.addResource(widgets);
  await client.create(ref, "default", { metadata: { name: "a" }, spec: { size: 1 } });
  api.removeResource(widgets);
  await assertRejects(() => client.list(ref), ApiError, "could not find the requested resource");
  await api.addResource(widgets);
  const { items } = await client.list<{ spec: unknown }>(ref);
  assertEquals(items.map(({ spec }) => spec), [{ size: 1 }]);
  assertEquals(storage.writes, 1);
  stop();
});

Deno.test("a resource that is added while it is written misses nothing", async () => {
  const names = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.boolean()), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(names, fc.nat(6), async (writes, when) => {
      const { api, storage, stop } = await testApi({ schema: open });
      let adding: Promise<void> | undefined;
      const present = new Map<string, string>();
      for (const [index, [name, keep]] of writes.entries()) {
        const key = `/registry/example.com/widgets/default/${name}`;
        const object = {
          kind: "Widget",
          apiVersion: "example.com/v1",
          metadata: { name, namespace: "default" },
          index,
        };
        const value = new TextEncoder().encode(JSON.stringify(object));
        if (index === when) adding = api.addResource(widgets);
        await storage.txn({
          compare: [],
          success: [keep ? { type: "put", key, value } : { type: "delete", key }],
          failure: [],
        });
        if (keep) present.set(name, String(index));
        else present.delete(name);
      }
      await (adding ?? api.addResource(widgets));
      const { items } = await api.client(admin).list<{ metadata: { name: string }; index: number }>(ref);
      const expected = [...present].sort(([a], [b]) => (a < b ? -1 : 1));
      assertEquals(items.map(({ metadata, index }) => [metadata.name, String(index)]), expected);
      stop();
    }),
    { numRuns: 60 },
  );
});
