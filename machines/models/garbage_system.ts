/** Owners and dependents under the garbage collector, whose caches of each resource lag by themselves. */
import { garbageCollector } from "../controllers/garbage_collector/garbage_collector.ts";
import { resourceTable } from "../controllers/resource_table.ts";
import type { Controller } from "../controllers/controller.ts";
import type { SystemModel, SystemState } from "../check/system_model.ts";
import type { KubeObject } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import { type ClusterData, controllerSystem, type Deed } from "./controller_system.ts";
import type { PaperApi } from "./paper_api.ts";

export interface GarbageSystemOptions {
  readonly propagation?: "Background" | "Foreground" | "Orphan";
  /** The dependent also belongs to an owner that nobody deletes. */
  readonly secondOwner?: boolean;
  readonly budgets?: Readonly<Record<string, number>>;
  readonly collector?: (table: Parameters<typeof garbageCollector>[0]) => Controller;
}

const { replicaSets, configMaps, secrets } = resources;
const table = resourceTable([
  { resource: replicaSets, kind: "ReplicaSet", namespaced: true },
  { resource: configMaps, kind: "ConfigMap", namespaced: true },
  { resource: secrets, kind: "Secret", namespaced: true },
]);

/** An owner (ReplicaSet), its dependent (ConfigMap), and that one's own dependent (Secret). */
export function garbageSystem(options: GarbageSystemOptions = {}): SystemModel {
  const { propagation = "Background", secondOwner = false, collector = garbageCollector } = options;
  const budgets = { deletions: 1, creations: 0, adoptions: 0, families: 0, ...options.budgets };
  const owner = (name: string) => ({ apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name, namespace: "n" } });
  const reference = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject) => ({
    apiVersion,
    kind,
    name,
    uid,
    blockOwnerDeletion: true,
  });
  const dependent = (kind: string, name: string, owners: readonly KubeObject[]) => ({
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: "n", ownerReferences: owners.map(reference) },
  });
  const start = (api: PaperApi, empty: ClusterData) => {
    let data = api.create(empty, replicaSets, owner("a"));
    if (secondOwner) data = api.create(data, replicaSets, owner("b"));
    const owners = ["a", ...(secondOwner ? ["b"] : [])].map((name) => api.get(data, replicaSets, `n/${name}`)!);
    data = api.create(data, configMaps, dependent("ConfigMap", "c", owners));
    return api.create(data, secrets, dependent("Secret", "s", [api.get(data, configMaps, "n/c")!]));
  };
  const deeds: Record<string, Deed> = {
    "user.deletesOwner": {
      spends: "deletions",
      act: (api, data) => api.get(data, replicaSets, "n/a") && api.delete(data, replicaSets, "n/a", propagation),
    },
    // Of the same name and another uid.
    "user.makesOwnerAnew": {
      spends: "creations",
      act: (api, data) => api.get(data, replicaSets, "n/a") ? undefined : api.create(data, replicaSets, owner("a")),
    },
    // The caches may show the dependent before its owner.
    "user.makesFamily": {
      spends: "families",
      act(api, data) {
        const made = api.create(data, replicaSets, owner("f"));
        return api.create(made, configMaps, dependent("ConfigMap", "g", [api.get(made, replicaSets, "n/f")!]));
      },
    },
    // Somebody gives the dependent to the owner that stays, while the collector looks at it.
    "user.addsOwner": {
      spends: "adoptions",
      act(api, data) {
        const [c, b] = [api.get(data, configMaps, "n/c"), api.get(data, replicaSets, "n/b")];
        if (c === undefined || b === undefined || c.metadata.ownerReferences?.some(({ name }) => name === "b")) {
          return undefined;
        }
        const ownerReferences = [...c.metadata.ownerReferences ?? [], reference(b)];
        return api.put(data, configMaps, { ...c, metadata: { ...c.metadata, ownerReferences } });
      },
    },
  };

  return controllerSystem({
    controllers: [collector(table)],
    start: (api, empty) => {
      const data = start(api, empty);
      if (budgets.adoptions === 0 || secondOwner) return data;
      return api.create(data, replicaSets, owner("b"));
    },
    deeds,
    budgets,
    rules: (cluster, api) => {
      const at = (state: SystemState) => state.of(cluster).view;
      const all = (data: ClusterData) => [replicaSets, configMaps, secrets].flatMap((each) => api.list(data, each));
      const uids = (data: ClusterData) => new Set(all(data).map(({ metadata }) => metadata.uid));
      const isOrphaning = propagation === "Orphan";
      return {
        eachStep: {
          "no dependent of a living owner is deleted": (before, _, after) => {
            const [was, is] = [at(before), at(after)];
            const left = uids(is);
            const going = new Set(
              all(is).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ metadata }) =>
                metadata.uid
              ),
            );
            const owners = new Map(all(was).map((each) => [each.metadata.uid, each]));
            return all(was).filter(({ metadata }) => metadata.deletionTimestamp === undefined).every(({ metadata }) => {
              const { ownerReferences = [], uid } = metadata;
              if (left.has(uid) && !going.has(uid)) return true;
              return ownerReferences.every((reference) => {
                const stands = owners.get(reference.uid);
                return stands === undefined || stands.metadata.deletionTimestamp !== undefined;
              });
            });
          },
          ...(propagation === "Foreground" && {
            "an owner deleted in the foreground goes after its dependents": (
              before: SystemState,
              _: unknown,
              after: SystemState,
            ) => {
              const [was, is] = [at(before), at(after)];
              const goes = api.get(was, replicaSets, "n/a");
              if (goes === undefined || uids(is).has(goes.metadata.uid)) return true;
              return all(was).every(({ metadata }) =>
                metadata.ownerReferences?.every(({ uid }) => uid !== goes.metadata.uid) ?? true
              );
            },
          }),
        },
        sometimes: {
          "the owner is gone": (state) => api.get(at(state), replicaSets, "n/a") === undefined,
        },
        eventuallyAlways: {
          "nothing refers to an owner that is gone, unless it belongs to another": (state) => {
            const data = at(state);
            const living = uids(data);
            return all(data).every(({ metadata: { ownerReferences = [] } }) =>
              ownerReferences.length === 0 || ownerReferences.every(({ uid }) => living.has(uid))
            );
          },
          ...(isOrphaning && {
            "what was orphaned stays": (state: SystemState) =>
              api.get(at(state), configMaps, "n/c") !== undefined && api.get(at(state), secrets, "n/s") !== undefined,
          }),
          ...(!isOrphaning && !secondOwner && budgets.adoptions === 0 && {
            "with an owner its whole family goes": (state: SystemState) =>
              state.left("deletions") === budgets.deletions ||
              (api.get(at(state), configMaps, "n/c") === undefined && api.get(at(state), secrets, "n/s") === undefined),
          }),
          "who was asked to go is gone": (state) =>
            all(at(state)).every(({ metadata }) => metadata.deletionTimestamp === undefined),
        },
      };
    },
  });
}
