import { assertEquals, assertThrows } from "@std/assert";
import { type Change, SharedInformers, startInformer } from "../../actors/informer.ts";
import { ActorSystem } from "../../actors/system.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient, ApiWatchSink } from "../../ports/api_client.ts";
import { SteadyClock } from "../support/steady_clock.ts";

function object(name: string, resourceVersion: number, uid = name): KubeObject {
  const metadata = { name, uid, resourceVersion: String(resourceVersion), creationTimestamp: "2026-01-01T00:00:00Z" };
  return { apiVersion: "v1", kind: "Node", metadata };
}

/** An API server of which the test says what it lists and what its watch sends. */
async function world(first: { items: KubeObject[]; revision: number } | Error) {
  const clock = new SteadyClock();
  const system = new ActorSystem({ clock });
  const state = { list: first, sink: undefined as ApiWatchSink<KubeObject> | undefined, from: "", lists: 0 };
  const client = {
    list() {
      state.lists++;
      if (state.list instanceof Error) return Promise.reject(state.list);
      return Promise.resolve({ items: state.list.items, resourceVersion: String(state.list.revision) });
    },
    watch(_: unknown, options: { resourceVersion?: string }, sink: ApiWatchSink<KubeObject>) {
      state.sink = sink;
      state.from = options.resourceVersion ?? "";
      return { cancel: () => state.sink = undefined };
    },
  } as unknown as ApiClient;
  const informer = startInformer<KubeObject>(system, { node: "test", client, resource: resources.nodes });
  const heard: string[] = [];
  informer.subscribe({
    changed: (changes: readonly Change<KubeObject>[]) =>
      heard.push(changes.map(({ type, object }) => `${type} ${object.metadata.name}`).join(", ")),
    synced: () => heard.push("synced"),
  });
  await clock.settle();
  const contents = () => informer.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
  return { informer, state, heard, clock, contents, stop: () => system.stopAll() };
}

Deno.test("an informer lists, then watches from the list's revision", async () => {
  const { state, heard, contents, stop } = await world({ items: [object("a", 3), object("b", 5)], revision: 7 });
  assertEquals([heard, state.from], [["added a, added b", "synced"], "7"]);
  state.sink?.events([
    { type: "MODIFIED", object: object("a", 8) },
    { type: "DELETED", object: object("b", 9) },
    { type: "ADDED", object: object("c", 10) },
  ]);
  assertEquals(heard.slice(2), ["updated a, removed b, added c"]);
  assertEquals(contents(), ["a@8", "c@10"]);
  stop();
});

Deno.test("an informer goes on from the last revision it saw when its watch ends, bookmarks included", async () => {
  const { state, clock, stop } = await world({ items: [], revision: 7 });
  state.sink?.events([{ type: "BOOKMARK", resourceVersion: "42" }]);
  state.sink?.closed(undefined);
  await clock.pass(1000);
  assertEquals([state.from, state.lists], ["42", 1]);
  stop();
});

Deno.test("an informer lists anew when its revision has expired, and tells the difference", async () => {
  const { state, heard, contents, clock, stop } = await world({ items: [object("a", 3), object("b", 5)], revision: 7 });
  state.list = { items: [object("b", 20), object("c", 21, "c2")], revision: 30 };
  state.sink?.closed(new ApiError(410, "Expired", "too old").status);
  await clock.pass(100);
  assertEquals(heard.slice(2), ["removed a, updated b, added c"]);
  assertEquals([contents(), state.from], [["b@20", "c@21"], "30"]);
  stop();
});

Deno.test("an informer tells an object that was made again under its name while nobody looked as another one", async () => {
  const { state, heard, clock, stop } = await world({ items: [object("a", 3)], revision: 7 });
  state.list = { items: [object("a", 20, "other")], revision: 30 };
  state.sink?.closed(new ApiError(410, "Expired", "too old").status);
  await clock.pass(100);
  assertEquals(heard.slice(2), ["removed a, added a"]);
  stop();
});

Deno.test("an informer asks again after a back-off when the API server does not answer", async () => {
  const { state, heard, clock, stop } = await world(new Error("no route"));
  assertEquals([heard, state.lists], [[], 1]);
  state.list = { items: [object("a", 3)], revision: 7 };
  await clock.pass(600);
  assertEquals([heard, state.lists], [["added a", "synced"], 2]);
  stop();
});

Deno.test("what a write was answered with is known at once, and the watch's word for it is no news", async () => {
  const { informer, state, heard, stop } = await world({ items: [object("a", 3)], revision: 7 });
  informer.learn(object("a", 9));
  state.sink?.events([{ type: "MODIFIED", object: object("a", 9) }]);
  assertEquals(heard.slice(2), ["updated a"]);
  stop();
});

Deno.test("an older answer does not undo what the watch has said since", async () => {
  const { informer, state, heard, contents, stop } = await world({ items: [object("a", 3)], revision: 7 });
  state.sink?.events([{ type: "MODIFIED", object: object("a", 8) }, { type: "DELETED", object: object("a", 9) }]);
  informer.learn(object("a", 8));
  assertEquals([heard.slice(2), contents()], [["updated a, removed a"], []]);
  stop();
});

Deno.test("an object deleted here does not come back by an older event, but may under the same name", async () => {
  const { informer, state, heard, contents, stop } = await world({ items: [object("a", 3)], revision: 7 });
  informer.learnDeleted(object("a", 3));
  state.sink?.events([{ type: "MODIFIED", object: object("a", 8) }]);
  assertEquals([heard.slice(2), contents()], [["removed a"], []]);
  state.sink?.events([{ type: "DELETED", object: object("a", 9) }, { type: "ADDED", object: object("a", 10, "new") }]);
  assertEquals([heard.slice(3), contents()], [["added a"], ["a@10"]]);
  stop();
});

Deno.test("a listener that throws keeps no change from the others", async () => {
  const { informer, state, stop } = await world({ items: [], revision: 7 });
  informer.subscribe({
    changed: () => {
      throw new Error("no luck");
    },
  });
  const later: string[] = [];
  informer.subscribe({ changed: (changes) => later.push(...changes.map(({ object }) => object.metadata.name)) });
  assertThrows(() => state.sink?.events([{ type: "ADDED", object: object("a", 8) }]), Error, "no luck");
  assertEquals(later, ["a"]);
  stop();
});

Deno.test("informers that were stopped start none for work that began before: who follows finds the addresses free", async () => {
  const clock = new SteadyClock();
  const system = new ActorSystem({ clock });
  const client = {
    list: () => Promise.resolve({ items: [], resourceVersion: "1" }),
    watch: () => ({ cancel() {} }),
  } as unknown as ApiClient;
  const former = new SharedInformers(system, { node: "test", client });
  former.of(resources.nodes);
  former.stop();
  assertThrows(() => former.of(resources.nodes), Error, "its informers were stopped");
  const next = new SharedInformers(system, { node: "test", client });
  next.of(resources.nodes);
  await clock.settle();
  assertEquals(system.size, 1);
  next.stop();
  system.stopAll();
});
