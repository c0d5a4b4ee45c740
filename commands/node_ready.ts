import { type ActorSystem, address } from "../actors/system.ts";
import type { Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";

/** Resolves when a node of this process has said how it is, and that is: ready. */
export async function nodeReady(system: ActorSystem, client: ApiClient, name: string): Promise<void> {
  // What the object says may be from an earlier life.
  await statusPosted(system, name);
  const isReady = (node: Node) =>
    node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const options = { fieldSelector: `metadata.name=${name}` };
  const { items, resourceVersion } = await client.list<Node>(resources.nodes, options);
  if (items.some(isReady)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watch = client.watch<Node>(resources.nodes, { ...options, resourceVersion }, {
    events(batch) {
      if (batch.some((event) => event.type !== "BOOKMARK" && event.type !== "DELETED" && isReady(event.object))) {
        resolve();
      }
    },
    closed: (status) => reject(new Error(`Cannot wait for node "${name}": ${status?.message ?? "the watch ended"}`)),
  });
  try {
    await promise;
  } finally {
    watch.cancel();
  }
}

async function statusPosted(system: ActorSystem, name: string): Promise<void> {
  const actor = system.get(address({ node: name, kind: "node", name }));
  if (actor === undefined) throw new Error(`Cannot wait for node "${name}": it has not been started`);
  const isPosted = () => actor.getSnapshot()?.matches("posted") ?? false;
  if (isPosted()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = actor.subscribe(() => isPosted() && resolve());
  await promise;
  subscription.unsubscribe();
}
