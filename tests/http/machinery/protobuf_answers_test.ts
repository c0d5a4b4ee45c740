import { assertEquals } from "@std/assert";
import { Reader } from "protobufjs";
import type { Resource } from "../../../http/machinery/types.ts";
import { row } from "../../../http/resources/row.ts";
import { decodeProtobuf } from "../../../http/schema/protobuf_decode.ts";
import { type TestApi, testApi, testResources } from "./test_api.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const asMetadata = "as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** What typed clients of Go make of an answer: the envelope's kind, and the struct that they expect. */
function decoded(bytes: Uint8Array, struct: string): { apiVersion: string; kind: string; value: unknown } {
  return decodeProtobuf(bytes, () => struct);
}

/** The messages of a stream: four bytes of length in front of each. */
function framesOf(bytes: Uint8Array): { type: string; object: Uint8Array }[] {
  const frames: { type: string; object: Uint8Array }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at);
    const reader = Reader.create(bytes.subarray(at + 4, at + 4 + length));
    assertEquals(reader.uint32(), 10);
    const type = reader.string();
    assertEquals(reader.uint32(), 18);
    const raw = Reader.create(reader.bytes());
    assertEquals(raw.uint32(), 10);
    frames.push({ type, object: raw.bytes() });
    at += 4 + length;
  }
  return frames;
}

async function withApi(body: (api: TestApi) => Promise<void>): Promise<void> {
  const api = await testApi();
  try {
    await make(api, "/api/v1/namespaces", { kind: "Namespace", apiVersion: "v1", metadata: { name: "default" } });
    await body(api);
  } finally {
    api.stop();
  }
}

async function make({ request }: TestApi, path: string, object: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await request(path, { method: "POST", headers, body: JSON.stringify(object) });
  assertEquals(response.status, 201, await response.text());
}

const maps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string) => ({
  kind: "ConfigMap",
  apiVersion: "v1",
  metadata: { name, labels: { z: "1", a: "2" } },
  data: { k: "v" },
});

async function bytesOf({ request, clock }: TestApi, path: string, accept: string, status = 200): Promise<Uint8Array> {
  const answering = request(path, { headers: { accept } });
  let answered = false;
  void answering.then(() => answered = true);
  while (!answered) {
    clock.run();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const response = await answering;
  assertEquals([response.status, response.headers.get("content-type")], [status, protobuf]);
  return await response.bytes();
}

async function jsonOf({ request }: TestApi, path: string): Promise<Record<string, unknown>> {
  return await (await request(path)).json();
}

Deno.test("an object is answered in protobuf to who prefers it", () =>
  withApi(async (api) => {
    await make(api, maps, configMap("a"));
    const { kind, apiVersion, ...rest } = await jsonOf(api, `${maps}/a`);
    const answer = decoded(await bytesOf(api, `${maps}/a`, `${protobuf},application/json`), "core/v1.ConfigMap");
    assertEquals(answer as unknown, { kind, apiVersion, value: rest });
  }));

Deno.test("a list of several turns is answered in protobuf with every item", () =>
  withApi(async (api) => {
    for (let index = 0; index < 150; index++) await make(api, maps, configMap(`m-${index}`));
    const { kind, apiVersion, ...rest } = await jsonOf(api, maps);
    const answer = decoded(await bytesOf(api, maps, protobuf), "core/v1.ConfigMapList");
    assertEquals(answer as unknown, { kind, apiVersion, value: rest });
  }));

Deno.test("metadata alone is answered in protobuf, of an object and of a list", () =>
  withApi(async (api) => {
    await make(api, maps, configMap("a"));
    const { metadata } = await jsonOf(api, `${maps}/a`);
    const one = decoded(await bytesOf(api, `${maps}/a`, `${protobuf};${asMetadata}`), "core/v1.ConfigMap");
    assertEquals(one as unknown, { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata", value: { metadata } });
    const list = decoded(await bytesOf(api, maps, `${protobuf};${asMetadata}`), "core/v1.ConfigMapList");
    assertEquals([list.kind, (list.value as { items: unknown }).items], ["PartialObjectMetadataList", [{ metadata }]]);
  }));

Deno.test("a refusal is answered in protobuf", () =>
  withApi(async (api) => {
    const answer = decoded(await bytesOf(api, `${maps}/none`, `${protobuf},application/json`, 404), "meta/v1.Status");
    const { kind, apiVersion, ...status } = await jsonOf(api, `${maps}/none`);
    assertEquals(answer as unknown, { kind, apiVersion, value: status });
  }));

Deno.test("a table in protobuf is refused, since Go has no such encoding", () =>
  withApi(async (api) => {
    const table = `${protobuf};as=Table;g=meta.k8s.io;v=v1`;
    const { value } = decoded(await bytesOf(api, maps, table, 406), "meta/v1.Status");
    assertEquals(
      (value as { message: string }).message,
      "object *v1.Table does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message",
    );
  }));

Deno.test("a watch in protobuf is a stream of events with their lengths, bookmarks among them", () =>
  withApi(async (api) => {
    await make(api, maps, configMap("a"));
    const query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const response = await api.request(`${maps}?${query}`, { headers: { accept: `${protobuf},application/json` } });
    assertEquals(response.headers.get("content-type"), `${protobuf};stream=watch`);
    const reader = response.body!.getReader();
    const frames: { type: string; object: Uint8Array }[] = [];
    const next = async (count: number) => {
      while (frames.length < count) frames.push(...framesOf((await reader.read()).value!));
      return frames.splice(0, count);
    };
    const names = (seen: typeof frames) =>
      seen.map(({ type, object }) => {
        const { kind, value } = decoded(object, "core/v1.ConfigMap");
        return `${type} ${kind} ${(value as { metadata: { name?: string } }).metadata.name ?? ""}`;
      });
    assertEquals(names(await next(2)), ["ADDED ConfigMap a", "BOOKMARK ConfigMap "]);
    await make(api, maps, configMap("b"));
    assertEquals(names(await next(1)), ["ADDED ConfigMap b"]);
    await reader.cancel();
  }));

Deno.test("a custom resource is answered in JSON, and refused to who reads protobuf alone", async () => {
  const widgets: Resource = {
    ...row({ group: "example.com", version: "v1", resource: "widgets", kind: "Widget" }),
    custom: true,
  };
  const api = await testApi({ resources: [...testResources(), widgets] });
  const path = "/apis/example.com/v1/widgets";
  const either = await api.request(path, { headers: { accept: `${protobuf},application/json` } });
  assertEquals([either.status, either.headers.get("content-type")], [200, "application/json"]);
  await either.body!.cancel();
  const alone = await api.request(path, { headers: { accept: protobuf } });
  assertEquals([alone.status, alone.headers.get("content-type")], [406, "application/json"]);
  assertEquals((await alone.json()).message.includes("protobuf"), false);
  api.stop();
});
