/**
 * What the API servers have committed, as seen from outside: the observer of a simulation follows every master's caches
 * without a network in between, so that a change is looked at in the very step that made it.
 */
import type { Api } from "../../http/machinery/api.ts";
import { keyOf, type KubeObject } from "../../machines/objects/object.ts";
import { resourceName, resources } from "../../machines/objects/resources.ts";
import type { ResourceRef } from "../../ports/api_client.ts";

export interface MirrorChange<T = KubeObject> {
  /** Undefined: it is gone. */
  readonly now: T | undefined;
  readonly before: T | undefined;
}

type Listener = (change: MirrorChange<never>) => void;

const observed: readonly ResourceRef[] = [
  resources.pods,
  resources.nodes,
  resources.deployments,
  resources.replicaSets,
  resources.statefulSets,
  resources.jobs,
  resources.services,
  resources.endpointSlices,
];

const observer = { name: "observer", groups: ["system:masters"] };

export class Mirror {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  /** Of objects that are gone too: what comes late is old news. */
  readonly #revisions = new Map<string, number>();
  readonly #listeners = new Map<string, Listener[]>();

  constructor(readonly failed: (invariant: string, message: string) => void) {
    for (const resource of observed) this.#objects.set(resourceName(resource), new Map());
  }

  on<T>(resource: ResourceRef, listener: (change: MirrorChange<T>) => void): void {
    const name = resourceName(resource);
    const listeners = this.#listeners.get(name) ?? [];
    listeners.push(listener as Listener);
    this.#listeners.set(name, listeners);
  }

  all<T>(resource: ResourceRef): T[] {
    return [...this.#objects.get(resourceName(resource))!.values()] as T[];
  }

  get<T>(resource: ResourceRef, key: string): T | undefined {
    return this.#objects.get(resourceName(resource))!.get(key) as T | undefined;
  }

  /** Takes over what a master that has just begun to serve knows, and follows it. */
  follow(api: Api, alive: () => boolean): void {
    const { revision } = api.cache;
    const client = api.client(observer);
    for (const ref of observed) {
      const row = api.registry.find(ref.group, ref.version, ref.resource);
      if (row === undefined) throw new Error(`Cannot observe ${ref.resource}: it is not served`);
      const listed = new Set<string>();
      for (const { frozen } of api.cache.of(row).list("")) {
        const object = frozen as KubeObject;
        listed.add(keyOf(object));
        this.#take(ref, "MODIFIED", object);
      }
      this.#forgetAllBut(ref, listed, revision);
      this.#watch(ref, client, revision, alive);
    }
  }

  #watch(ref: ResourceRef, client: ReturnType<Api["client"]>, from: number, alive: () => boolean): void {
    let last = from;
    client.watch<KubeObject>(ref, { resourceVersion: String(from) }, {
      events: (batch) => {
        for (const event of batch) {
          const revision = Number(
            event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.resourceVersion,
          );
          if (revision < last || (revision === last && event.type !== "BOOKMARK")) {
            this.failed(
              "revisions only grow",
              `a watch of ${ref.resource} told revision ${revision} after revision ${last}`,
            );
          }
          last = revision;
          if (event.type !== "BOOKMARK") this.#take(ref, event.type, event.object);
        }
      },
      // After a time-out of the server, or when it ends.
      closed: () => {
        if (alive()) this.#watch(ref, client, last, alive);
      },
    });
  }

  #take(ref: ResourceRef, type: string, object: KubeObject): void {
    const name = resourceName(ref);
    const key = keyOf(object);
    const revision = Number(object.metadata.resourceVersion);
    const known = this.#revisions.get(`${name} ${key}`) ?? 0;
    if (revision <= known) return;
    this.#revisions.set(`${name} ${key}`, revision);
    const objects = this.#objects.get(name)!;
    const before = objects.get(key);
    if (type === "DELETED") {
      objects.delete(key);
      if (before !== undefined) this.#tell(name, { now: undefined, before });
    } else {
      objects.set(key, object);
      // Deleted and made anew while nobody looked.
      if (before !== undefined && before.metadata.uid !== object.metadata.uid) {
        this.#tell(name, { now: undefined, before });
        this.#tell(name, { now: object, before: undefined });
      } else this.#tell(name, { now: object, before });
    }
  }

  #forgetAllBut(ref: ResourceRef, listed: ReadonlySet<string>, revision: number): void {
    const name = resourceName(ref);
    const objects = this.#objects.get(name)!;
    for (const [key, before] of [...objects]) {
      if (listed.has(key) || Number(before.metadata.resourceVersion) > revision) continue;
      objects.delete(key);
      this.#revisions.set(`${name} ${key}`, revision);
      this.#tell(name, { now: undefined, before });
    }
  }

  #tell(name: string, change: MirrorChange): void {
    for (const listener of this.#listeners.get(name) ?? []) (listener as (change: MirrorChange) => void)(change);
  }
}
