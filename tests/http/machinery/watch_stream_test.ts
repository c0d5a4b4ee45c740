import { assert, assertEquals } from "@std/assert";
import { answered, type RawResponse } from "../../../http/server/environment.ts";
import { admin, type TestApi, testApi } from "./test_api.ts";

const configMaps = { group: "", version: "v1", resource: "configmaps" };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A connection whose other end reads when it is told to. */
class Connection implements RawResponse {
  readonly #chunks: Uint8Array[] = [];
  #drain: () => void = () => {};
  #close: () => void = () => {};
  read = "";
  writes = 0;
  closed = false;
  ended = false;

  begin(): void {}

  write(chunk: Uint8Array | string): boolean {
    this.writes += 1;
    this.#chunks.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
    return this.unsentBytes < 16_384;
  }

  get unsentBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** The other end takes everything that was sent. */
  take(): void {
    for (const chunk of this.#chunks.splice(0)) this.read += new TextDecoder().decode(chunk);
    this.#drain();
  }

  onDrain(callback: () => void): void {
    this.#drain = callback;
  }

  onClose(callback: () => void): void {
    this.#close = callback;
  }

  onDraining(): void {}

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.closed = true;
    this.#close();
  }

  get types(): string[] {
    return this.read.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).type);
  }
}

async function fill({ api }: TestApi, count: number, size: number): Promise<void> {
  const client = api.client(admin);
  for (let index = 0; index < count; index++) {
    const metadata = { name: `c-${String(index).padStart(5, "0")}` };
    await client.create(configMaps, "default", { metadata, data: { text: "x".repeat(size) } });
  }
}

async function watch({ app }: TestApi, query: string): Promise<Connection> {
  const connection = new Connection();
  const path = `/api/v1/namespaces/default/configmaps?watch=true&${query}`;
  assertEquals(await app.request(path, {}, { raw: connection }), answered);
  return connection;
}

Deno.test("a watch's first state reaches a slow client whole, in order and before its bookmark", async () => {
  const test = await testApi();
  await fill(test, 2_000, 2_000);
  const connection = await watch(
    test,
    "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  );
  await test.api.client(admin).patch(configMaps, "default", "c-00007", "merge", { data: { text: "y" } });
  for (let round = 0; round < 100; round++) {
    test.clock.run();
    await turn();
    assert(connection.unsentBytes < 1024 * 1024);
    connection.take();
  }
  const { types } = connection;
  assertEquals(types.length, 2_002);
  assertEquals(new Set(types.slice(0, 2_000)), new Set(["ADDED"]));
  assertEquals(types.slice(2_000), ["BOOKMARK", "MODIFIED"]);
  assert(!connection.closed);
  test.stop();
});

Deno.test("a watcher that does not read is cut off above 1 MiB of changes, others go on", async () => {
  const test = await testApi();
  await fill(test, 1, 10);
  const [slow, quick] = [await watch(test, "resourceVersion=0"), await watch(test, "resourceVersion=0")];
  const client = test.api.client(admin);
  for (let index = 0; index < 30 && !slow.closed; index++) {
    await client.patch(configMaps, "default", "c-00000", "merge", { data: { text: `${index}${"x".repeat(60_000)}` } });
    await turn();
    test.clock.run();
    quick.take();
  }
  assertEquals([slow.closed, quick.closed], [true, false]);
  const watchers = [...test.api.cache.of(test.api.registry.find("", "v1", "configmaps")!).watchers()];
  assertEquals(watchers.length, 1);
  test.stop();
});

Deno.test("a watcher whose connection is busy gets what happens meanwhile in one write", async () => {
  const test = await testApi();
  await fill(test, 1, 10);
  const connection = await watch(test, "resourceVersion=0");
  const before = connection.writes;
  const client = test.api.client(admin);
  for (let index = 0; index < 5; index++) {
    await client.patch(configMaps, "default", "c-00000", "merge", { data: { text: String(index) } });
  }
  await turn();
  test.clock.run();
  connection.take();
  assertEquals([connection.types, connection.writes - before], [["ADDED", ...Array(5).fill("MODIFIED")], 1]);
  test.stop();
});

Deno.test("a watch ends in order when the server closes", async () => {
  const test = await testApi();
  const connection = await watch(test, "resourceVersion=0");
  test.stop();
  assertEquals([connection.ended, connection.closed], [true, false]);
});
