/** Who goes when an owner goes, by every way of deleting it. */
import { assertEquals } from "@std/assert";
import { garbageCollector } from "../../../machines/controllers/garbage_collector/garbage_collector.ts";
import { resourceTable } from "../../../machines/controllers/resource_table.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { PaperWorld } from "./paper_world.ts";

const { replicaSets, pods, configMaps } = resources;
const table = resourceTable([
  { resource: replicaSets, kind: "ReplicaSet", namespaced: true },
  { resource: pods, kind: "Pod", namespaced: true },
  { resource: configMaps, kind: "ConfigMap", namespaced: true },
]);
const collector = garbageCollector(table);

interface Thing {
  readonly name: string;
  readonly owners?: readonly string[];
  readonly blocks?: boolean;
  readonly finalizers?: readonly string[];
}

const kinds = { r: ["apps/v1", "ReplicaSet", replicaSets], p: ["v1", "Pod", pods], c: ["v1", "ConfigMap", configMaps] };
/** The first letter of a name tells the kind. */
const kindOf = (name: string) => kinds[name[0] as "r"] as ["v1", string, typeof pods];

function world(things: readonly Thing[]): PaperWorld {
  const made = new PaperWorld();
  for (const { name, owners = [], blocks = true, finalizers } of things) {
    const [apiVersion, kind, resource] = kindOf(name);
    const ownerReferences = owners.map((owner) => ({
      apiVersion: kindOf(owner)[0],
      kind: kindOf(owner)[1],
      name: owner,
      uid: made.of<KubeObject>(kindOf(owner)[2]).get(`n/${owner}`)?.metadata.uid ?? "gone",
      blockOwnerDeletion: blocks,
    }));
    const metadata = { name, namespace: "n", ...(finalizers && { finalizers }) };
    made.put(resource, { apiVersion, kind, metadata: { ...metadata, ...(owners.length > 0 && { ownerReferences }) } });
  }
  return made;
}

/** Looks at everything until nothing changes, and lists what is left with its owners. */
function settle(made: PaperWorld): Record<string, string[]> {
  const everything = () =>
    table.all.flatMap(({ resource, kind }) =>
      made.of<KubeObject>(resource).list().map((object) => ({ resource, kind, object }))
    );
  const nameOf = (resource: typeof pods) =>
    resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
  for (let round = 0; round < 50; round++) {
    const news = everything().map(({ resource, object }) =>
      made.reconcile(collector, `${nameOf(resource as typeof pods)}/n/${object.metadata.name}`)
    );
    if (!news.includes(true)) break;
  }
  return Object.fromEntries(
    everything().map(({ object: { metadata } }) => [
      metadata.deletionTimestamp === undefined ? metadata.name : `${metadata.name} (ends)`,
      (metadata.ownerReferences ?? []).map(({ name }) => name),
    ]),
  );
}

const family: Thing[] = [{ name: "r" }, { name: "p1", owners: ["r"] }, { name: "p2", owners: ["r"] }];
const cases: {
  name: string;
  things: readonly Thing[];
  deleted?: readonly [string, "Background" | "Foreground" | "Orphan"];
  left: Record<string, string[]>;
}[] = [
  { name: "leaves a family alone", things: family, left: { r: [], p1: ["r"], p2: ["r"] } },
  { name: "deletes dependents in the background", things: family, deleted: ["r", "Background"], left: {} },
  { name: "deletes dependents first in the foreground", things: family, deleted: ["r", "Foreground"], left: {} },
  { name: "lets orphans forget their owner", things: family, deleted: ["r", "Orphan"], left: { p1: [], p2: [] } },
  {
    name: "goes down generations",
    things: [{ name: "c" }, { name: "r", owners: ["c"] }, { name: "p", owners: ["r"] }],
    deleted: ["c", "Background"],
    left: {},
  },
  {
    name: "goes down generations in the foreground",
    things: [{ name: "c" }, { name: "r", owners: ["c"] }, { name: "p", owners: ["r"] }],
    deleted: ["c", "Foreground"],
    left: {},
  },
  {
    name: "keeps what another owner still holds, without the one that is gone",
    things: [{ name: "r" }, { name: "c" }, { name: "p", owners: ["r", "c"] }],
    deleted: ["r", "Background"],
    left: { c: [], p: ["c"] },
  },
  {
    name: "releases what another owner holds from one that waits in the foreground",
    things: [{ name: "r" }, { name: "c" }, { name: "p", owners: ["r", "c"] }],
    deleted: ["r", "Foreground"],
    left: { c: [], p: ["c"] },
  },
  { name: "deletes what never had a living owner", things: [{ name: "p", owners: ["r"] }], left: {} },
  {
    name: "waits in the foreground for a dependent with a finalizer",
    things: [{ name: "r" }, { name: "p", owners: ["r"], finalizers: ["e.com/x"] }],
    deleted: ["r", "Foreground"],
    left: { "r (ends)": [], "p (ends)": ["r"] },
  },
  {
    name: "does not wait in the foreground for a dependent that does not block",
    things: [{ name: "r" }, { name: "p", owners: ["r"], finalizers: ["e.com/x"], blocks: false }],
    deleted: ["r", "Foreground"],
    left: { "p (ends)": ["r"] },
  },
];
for (const { name, things, deleted, left } of cases) {
  Deno.test(`garbageCollector ${name}`, () => {
    const made = world(things);
    if (deleted !== undefined) made.delete(kindOf(deleted[0])[2], `n/${deleted[0]}`, deleted[1]);
    assertEquals(settle(made), left);
  });
}

Deno.test("garbageCollector believes the API, not its cache, about an owner that is gone", () => {
  const made = world([{ name: "p", owners: ["r"] }]);
  const plan = collector.plan("pods/n/p", made, { now: 0, suffix: () => "" });
  const [write] = plan?.writes ?? [];
  assertEquals((write as { absent?: unknown }).absent, [{
    resource: replicaSets,
    namespace: "n",
    name: "r",
    uid: "gone",
  }]);
});

Deno.test("garbageCollector leaves dependents of a kind that nobody knows alone", () => {
  const made = new PaperWorld();
  const ownerReferences = [{ apiVersion: "e.com/v1", kind: "Unknown", name: "u", uid: "u" }];
  made.put(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "n", ownerReferences } });
  assertEquals(settle(made), { p: ["u"] });
});
