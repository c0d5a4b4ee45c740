/** A write that was acknowledged stays, whatever dies afterwards; what was deleted stays away. */
import type { Call, CallObserver } from "../../../actors/simulated/api_network.ts";
import type { Api } from "../../../http/machinery/api.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Invariant, Watched } from "./invariant.ts";

interface Acknowledged {
  readonly call: Call;
  readonly uid: string;
  readonly revision: number;
  readonly atMs: number;
}

/** Longer than any request takes. */
const doubtMs = 60_000;

export interface WritesInvariant extends Invariant {
  readonly observer: CallObserver;
  /** A master that was started then has read its store and begins to serve. */
  served(api: Api, master: string, startedAtMs: number): void;
}

export function acknowledgedWrites({ cluster, failed }: Watched): WritesInvariant {
  const acknowledged = new Map<string, Acknowledged>();
  /** Keys with a write under way, or one of which nobody knows whether it was made. */
  const uncertain = new Map<string, number>();
  const doubtful = new Map<string, number>();
  const now = () => cluster.clock.now();

  const isWrite = ({ verb, resource, subresource }: Call) =>
    !["get", "list"].includes(verb) && resource.resource !== "events" &&
    (subresource === undefined || subresource === "status" || subresource === "eviction");
  const keyOf = ({ resource, namespace, name }: Call) =>
    `${resource.group}/${resource.resource}/${namespace ?? ""}/${name}`;
  const settle = (key: string) => {
    const left = (uncertain.get(key) ?? 1) - 1;
    if (left > 0) uncertain.set(key, left);
    else uncertain.delete(key);
  };

  return {
    observer: {
      sent(call) {
        if (call.verb === "deleteCollection") {
          // Whatever is in it may be gone.
          const prefix = `${call.resource.group}/${call.resource.resource}/${call.namespace ?? ""}`;
          for (const key of acknowledged.keys()) if (key.startsWith(prefix)) doubtful.set(key, now());
        }
        if (!isWrite(call)) return;
        const key = keyOf(call);
        uncertain.set(key, (uncertain.get(key) ?? 0) + 1);
      },
      answered(asked, result) {
        if (!isWrite(asked)) return;
        settle(keyOf(asked));
        const object = result as Partial<KubeObject> | undefined;
        // The server may have made the name.
        const call = { ...asked, name: object?.metadata?.name ?? asked.name };
        const key = keyOf(call);
        const revision = Number(object?.metadata?.resourceVersion ?? 0);
        const known = acknowledged.get(key);
        if (asked.verb === "delete" || asked.subresource === "eviction") {
          // It is marked, and whoever takes the last finalizer off ends it; or it is gone.
          if (object?.metadata?.deletionTimestamp === undefined) acknowledged.delete(key);
          else doubtful.set(key, now());
        } else if (object?.metadata?.uid !== undefined && revision > 0) {
          // The last finalizer is gone, or the grace: what is answered is what was.
          const goes = object.metadata.deletionTimestamp !== undefined;
          if (goes) doubtful.set(key, now());
          else if (known === undefined || known.revision < revision) {
            acknowledged.set(key, { call, uid: object.metadata.uid, revision, atMs: now() });
          }
        }
      },
      failed(call, _error, unknown) {
        if (!isWrite(call)) return;
        settle(keyOf(call));
        if (unknown) doubtful.set(keyOf(call), now());
      },
    },
    served(api, master, startedAtMs) {
      for (const [key, { call, uid, revision, atMs }] of acknowledged) {
        // What was acknowledged since by another master may be on its way to this one.
        if (atMs > startedAtMs) continue;
        if (api.cache.revision < revision) {
          failed(
            "an acknowledged write stays",
            `${master} starts at revision ${api.cache.revision} and revision ${revision} had been acknowledged`,
          );
        }
        const { resource: { group, version, resource }, namespace = "", name } = call;
        const row = api.registry.find(group, version, resource);
        if (row === undefined) continue;
        const entry = api.cache.of(row).get(namespace, name);
        const mayBeGone = doubtful.has(key) || uncertain.has(key);
        const object = entry?.frozen as KubeObject | undefined;
        if (object === undefined || object.metadata.uid !== uid) {
          if (mayBeGone || object !== undefined) acknowledged.delete(key);
          else {
            failed(
              "an acknowledged write stays",
              `${master} knows nothing of ${key}, which was acknowledged to ${call.from} at revision ${revision}`,
            );
          }
        } else if (Number(object.metadata.resourceVersion) < revision) {
          failed(
            "an acknowledged write stays",
            `${master} has ${key} at revision ${object.metadata.resourceVersion}, ${revision} was acknowledged`,
          );
        }
      }
      // A write that was under way then has been made or is lost by now.
      for (const [key, at] of doubtful) if (at < now() - doubtMs) doubtful.delete(key);
    },
  };
}
