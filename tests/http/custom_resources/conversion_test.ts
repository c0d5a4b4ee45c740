/** Versions that a webhook converts: stored as `spec.address`, also served as `spec.host` and `spec.port`. */
import { assertEquals, assertRejects } from "@std/assert";
import { followDefinitions } from "../../../http/custom_resources/custom_resources.ts";
import { CustomSchema } from "../../../http/custom_resources/custom_schema.ts";
import { CallFailed } from "../../../http/outgoing/webhook_caller.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { admin, testApi } from "../machinery/test_api.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const group = "x.example.com";
const v1 = { group, version: "v1", resource: "links" };
const v2 = { group, version: "v2", resource: "links" };
const object = (properties: Record<string, object>) => ({
  openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } },
});
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `links.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "links", kind: "Link" },
    versions: [
      { name: "v1", served: true, storage: true, schema: object({ address: { type: "string" } }) },
      {
        name: "v2",
        served: true,
        storage: false,
        schema: object({ host: { type: "string" }, port: { type: "integer" } }),
      },
    ],
    conversion: {
      strategy: "Webhook",
      webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "https://127.0.0.1:1/convert" } },
    },
  },
};

function convert(object: Any, apiVersion: string): Any {
  const { spec = {} } = object;
  if (apiVersion.endsWith("v2")) {
    const [host, port] = spec.address.split(":");
    return { ...object, apiVersion, spec: { host, port: Number(port) } };
  }
  return { ...object, apiVersion, spec: { address: `${spec.host}:${spec.port}` } };
}

/** A converter that can be told to misbehave; `asked` are the numbers of objects in each request. */
async function world() {
  const asked: number[] = [];
  let answer: (request: Any) => Any = ({ uid, objects, desiredAPIVersion }) => ({
    uid,
    result: { status: "Success" },
    convertedObjects: objects.map((each: Any) => convert(each, desiredAPIVersion)),
  });
  const schema = new CustomSchema(loadSchema());
  const test = await testApi({
    schema: {
      decode: (...given) => schema.decode(...given),
      decodeValue: (...given) => schema.decodeValue(...given),
      typeOf: (gvk) => schema.typeOf(gvk),
    },
  });
  const client = test.api.client({ ...admin, name: "kube-apiserver" });
  const call = (_: unknown, { request }: Any) => {
    asked.push(request.objects.length);
    return Promise.resolve({ response: answer(request) });
  };
  const custom = followDefinitions({
    api: test.api,
    schema,
    client,
    clock: test.clock,
    conversions: { caller: { call }, uuid: () => "u" },
    report: console.error,
  });
  await custom.ready;
  await client.create(
    { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" },
    undefined,
    definition,
  );
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  return {
    ...test,
    client,
    asked,
    answerWith(next: (request: Any) => Any) {
      answer = next;
    },
    stop() {
      custom.stop();
      test.api.close();
    },
  };
}

const link = (name: string, spec: object, version = "v2") => ({
  apiVersion: `${group}/${version}`,
  kind: "Link",
  metadata: { name, namespace: "default" },
  spec,
});

Deno.test("an object is converted for whoever writes or reads another version, once", async () => {
  const { client, asked, stop } = await world();
  const made = await client.create<Any>(v2, "default", link("a", { host: "h", port: 80 }));
  assertEquals([made.apiVersion, made.spec], [`${group}/v2`, { host: "h", port: 80 }]);
  assertEquals((await client.get<Any>(v1, "default", "a")).spec, { address: "h:80" });
  assertEquals(asked, [1]);
  await client.create(v1, "default", link("b", { address: "i:90" }, "v1"));
  await client.create(v1, "default", link("c", { address: "j:91" }, "v1"));
  const { items } = await client.list<Any>(v2, { namespace: "default" });
  assertEquals(items.map(({ spec }) => spec.port), [80, 90, 91]);
  await client.list(v2, { namespace: "default" });
  // All of a list together, and not again what has been converted.
  assertEquals(asked, [1, 3]);
  const patched = await client.patch<Any>(v2, "default", "b", "merge", { spec: { port: 99 } });
  assertEquals(patched.spec, { host: "i", port: 99 });
  assertEquals((await client.get<Any>(v1, "default", "b")).spec, { address: "i:99" });
  await client.delete(v2, "default", "b");
  assertEquals((await client.list(v1, { namespace: "default" })).items.length, 2);
  stop();
});

Deno.test("a watch of another version tells its changes converted and in order", async () => {
  const { client, stop } = await world();
  const seen: string[] = [];
  const told = Promise.withResolvers<void>();
  client.watch<Any>(v2, { namespace: "default" }, {
    events(batch) {
      for (const event of batch) if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.spec.port}`);
      if (seen.length === 3) told.resolve();
    },
    closed: (status) => told.reject(new Error(status?.message ?? "closed")),
  });
  await new Promise<void>((resolve) => setImmediate(resolve));
  await client.create(v1, "default", link("a", { address: "h:1" }, "v1"));
  await client.patch(v1, "default", "a", "merge", { spec: { address: "h:2" } });
  await client.delete(v1, "default", "a");
  await told.promise;
  assertEquals(seen, ["ADDED 1", "MODIFIED 2", "DELETED 2"]);
  stop();
});

const failed = `conversion webhook for ${group}/v1, Kind=Link`;
const failures: { name: string; answer: (request: Any) => Any; says: string }[] = [
  {
    name: "cannot be reached",
    answer: () => {
      throw new CallFailed('Post "https://x": EOF');
    },
    says: `${failed} failed: Post "https://x": EOF`,
  },
  {
    name: "says no",
    answer: ({ uid }) => ({ uid, result: { status: "Failure", message: "not today" } }),
    says: `${failed} failed: not today`,
  },
  {
    name: "loses objects",
    answer: ({ uid }) => ({ uid, result: { status: "Success" }, convertedObjects: [] }),
    says: `${failed} returned 0 objects, expected 1`,
  },
  {
    name: "answers in the wrong version",
    answer: ({ uid, objects }) => ({ uid, result: { status: "Success" }, convertedObjects: objects }),
    says:
      `${failed} returned invalid object at index 0: invalid groupVersion (expected ${group}/v2, received ${group}/v1)`,
  },
  {
    name: "renames",
    answer: ({ uid, objects, desiredAPIVersion }) => ({
      uid,
      result: { status: "Success" },
      convertedObjects: objects.map((each: KubeObject) => ({
        ...convert(each, desiredAPIVersion),
        metadata: { ...each.metadata, name: "z" },
      })),
    }),
    says: `${failed} returned invalid object at index 0: metadata.name: Invalid value: "z": must be "a"`,
  },
];
for (const { name, answer, says } of failures) {
  Deno.test(`a conversion webhook that ${name} fails the request and nothing else`, async () => {
    const { client, answerWith, stop } = await world();
    await client.create(v1, "default", link("a", { address: "h:1" }, "v1"));
    answerWith(answer);
    const error = await assertRejects(() => client.get(v2, "default", "a"), ApiError);
    assertEquals([error.code, error.message], [500, says]);
    assertEquals((await client.get<Any>(v1, "default", "a")).spec, { address: "h:1" });
    stop();
  });
}
