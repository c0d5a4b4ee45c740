/**
 * An API on paper: objects by resource and key, and what a write makes of them, as data. An object's version is a name
 * for its content, so that a run has as few states as there are situations: to be up to date and to look the same are
 * one.
 */
import type { Caches, Write } from "../controllers/controller.ts";
import { stateKey } from "../check/state_key.ts";
import { jsonEquals } from "../objects/json.ts";
import { mergePatch } from "../objects/merge_patch.ts";
import { keyOf, type KubeObject, type ObjectMeta } from "../objects/object.ts";
import type { ObjectReader } from "../objects/reader.ts";
import { resourceName, type ResourceRef } from "../objects/resources.ts";

/** For each resource, by key, the version of the object there. */
export type Versions = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface PaperState {
  readonly objects: Versions;
  /** How many were made so far: names and uids come from it. */
  readonly made: number;
}

/** Why a write is refused. */
export class Refusal extends Error {
  override name = "Refusal";
}

const bornAt = (count: number) => `2026-01-01T00:00:${String(Math.min(59, count)).padStart(2, "0")}Z`;
const goesAt = "2026-01-01T00:01:00Z";

export class PaperApi {
  readonly #contents: unknown[] = [];
  readonly #versions = new Map<string, number>();

  /** A short name for any plain data. */
  version(content: unknown): string {
    const key = stateKey(content);
    let at = this.#versions.get(key);
    if (at === undefined) {
      at = this.#contents.length;
      this.#versions.set(key, at);
      this.#contents.push(content);
    }
    return `v${at}`;
  }

  content<T>(version: string): T {
    return this.#contents[Number(version.slice(1))] as T;
  }

  /** The object of that version, with its version in it. */
  object<T = KubeObject>(version: string): T {
    const object = this.content<KubeObject>(version);
    return { ...object, metadata: { ...object.metadata, resourceVersion: version } } as T;
  }

  get<T = KubeObject>({ objects }: Pick<PaperState, "objects">, resource: ResourceRef, key: string): T | undefined {
    const version = objects[resourceName(resource)]?.[key];
    return version === undefined ? undefined : this.object<T>(version);
  }

  list<T = KubeObject>({ objects }: Pick<PaperState, "objects">, resource: ResourceRef): T[] {
    return Object.values(objects[resourceName(resource)] ?? {}).map((version) => this.object<T>(version));
  }

  caches(objects: Versions): Caches {
    return {
      of: <T extends Pick<KubeObject, "metadata">>(resource: ResourceRef): ObjectReader<T> => {
        const list = () => this.list<T>({ objects }, resource);
        return {
          get: (key) => this.get<T>({ objects }, resource, key),
          list,
          inNamespace: (namespace) => list().filter(({ metadata }) => metadata.namespace === namespace),
          ownedBy: (uid) => list().filter(({ metadata }) => metadata.ownerReferences?.some((each) => each.uid === uid)),
        };
      },
    };
  }

  /** The object stands as given; what it was before does not matter. */
  put<S extends PaperState>(state: S, resource: ResourceRef, object: KubeObject): S {
    const { resourceVersion: _, ...metadata } = object.metadata;
    const version = this.version({ ...object, metadata });
    return { ...state, objects: withObject(state.objects, resource, keyOf(object), version) };
  }

  drop<S extends PaperState>(state: S, resource: ResourceRef, key: string): S {
    return { ...state, objects: withObject(state.objects, resource, key, undefined) };
  }

  create<S extends PaperState>(state: S, resource: ResourceRef, draft: object): S {
    const { metadata, ...rest } = draft as { metadata: Partial<ObjectMeta> };
    const made = state.made + 1;
    const name = metadata.name ?? `${metadata.generateName ?? ""}${made}`;
    const { generateName: _, ...given } = metadata;
    const object = {
      ...rest,
      metadata: { generation: 1, ...given, name, uid: `uid-${made}`, creationTimestamp: bornAt(made) },
    } as unknown as KubeObject;
    if (this.get(state, resource, keyOf(object)) !== undefined) throw new Refusal(`${name} exists`);
    return this.put({ ...state, made }, resource, object);
  }

  /** As the API does: what has finalizers, and every pod, is only marked. */
  delete<S extends PaperState>(
    state: S,
    resource: ResourceRef,
    key: string,
    propagation: "Orphan" | "Background" | "Foreground" = "Background",
    isForced = false,
  ): S {
    const object = this.get(state, resource, key);
    if (object === undefined) return state;
    const finalizer = { Orphan: ["orphan"], Foreground: ["foregroundDeletion"], Background: [] }[propagation];
    const finalizers = [...new Set([...object.metadata.finalizers ?? [], ...finalizer])];
    const isPod = resource.resource === "pods" && !isForced;
    if (finalizers.length === 0 && !isPod) return this.drop(state, resource, key);
    const metadata = {
      ...object.metadata,
      deletionTimestamp: object.metadata.deletionTimestamp ?? goesAt,
      ...(finalizers.length > 0 && { finalizers }),
    };
    return this.put(state, resource, { ...object, metadata });
  }

  /** @throws Refusal as the API would. */
  write<S extends PaperState>(state: S, write: Write): S {
    if (write.type === "event") return state;
    for (const { resource, namespace, name, uid } of write.absent ?? []) {
      const found = this.list(state, resource).find(({ metadata }) =>
        metadata.namespace === namespace && (name === undefined || metadata.name === name) &&
        (uid === undefined || metadata.uid === uid)
      );
      if (found !== undefined) throw new Refusal(`${found.metadata.name} still exists`);
    }
    const { resource } = write;
    if (write.type === "create") {
      const { metadata } = write.object as KubeObject;
      const taken = metadata.name !== undefined && this.get(state, resource, keyOf({ metadata })) !== undefined;
      return taken && write.existsIsFine ? state : this.create(state, resource, write.object);
    }
    if (write.type === "update") return this.#update(state, write);
    if (write.type !== "delete" && write.type !== "patch") {
      throw new Error(`Cannot write on paper: "${(write as Write).type}" is not known here`);
    }
    const key = keyOf({ metadata: { name: write.name, ...(write.namespace && { namespace: write.namespace }) } });
    const object = this.get(state, resource, key);
    if (write.type === "delete") {
      if (object === undefined || (write.uid !== undefined && write.uid !== object.metadata.uid)) return state;
      if (write.resourceVersion !== undefined && write.resourceVersion !== object.metadata.resourceVersion) {
        throw new Refusal(`${write.name} has changed`);
      }
      return this.delete(state, resource, key, write.propagation, write.gracePeriodSeconds === 0);
    }
    if (object === undefined) {
      if (write.missingIsFine) return state;
      throw new Refusal(`${write.name} is gone`);
    }
    if (write.patch === "json") throw new Error("Cannot patch on paper: JSON patches are not known here");
    const { metadata: { uid, resourceVersion, ...metadata } = {} as Partial<ObjectMeta>, ...body } = write
      .body as Partial<KubeObject>;
    const isOther = uid !== undefined && uid !== object.metadata.uid;
    if (isOther || (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion)) {
      throw new Refusal(`${write.name} has changed`);
    }
    const patch = { ...body, metadata } as Partial<KubeObject>;
    const merge = write.patch === "merge" ? mergePatch : strategicPatch;
    return this.#settle(state, resource, merge(object, patch) as KubeObject);
  }

  #update<S extends PaperState>(state: S, { resource, object, subresource }: Extract<Write, { type: "update" }>): S {
    const before = this.get(state, resource, keyOf(object));
    if (before === undefined) throw new Refusal(`${object.metadata.name} is gone`);
    if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      throw new Refusal(`${object.metadata.name} has changed`);
    }
    if (subresource === "status") {
      const { annotations } = object.metadata;
      const metadata = { ...before.metadata, ...(annotations && { annotations }) };
      return this.put(state, resource, { ...before, metadata, status: object["status"] } as KubeObject);
    }
    const changed = !jsonEquals(before["spec"], object["spec"]);
    const generation = (before.metadata.generation ?? 1) + (changed ? 1 : 0);
    const status = "status" in before ? { status: before["status"] } : {};
    return this.#settle(state, resource, { ...object, metadata: { ...object.metadata, generation }, ...status });
  }

  /** Without finalizers, what is being deleted goes; a pod only when its kubelet is done with it. */
  #settle<S extends PaperState>(state: S, resource: ResourceRef, object: KubeObject): S {
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const isOver = deletionTimestamp !== undefined && finalizers.length === 0 && resource.resource !== "pods";
    return isOver ? this.drop(state, resource, keyOf(object)) : this.put(state, resource, object);
  }
}

type Conditions = readonly { readonly type: string }[];

/** What controllers say in strategic patches: their own conditions, and finalizers that go. */
function strategicPatch(object: KubeObject, { metadata, status, ...body }: Partial<KubeObject>): KubeObject {
  const { "$deleteFromPrimitiveList/finalizers": gone = [], ...others } = (metadata ?? {}) as unknown as Record<
    string,
    string[]
  >;
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => !gone.includes(each));
  const { conditions, "$setElementOrder/conditions": _, ...rest } = (status ?? {}) as Record<string, unknown>;
  const said = (conditions ?? []) as Conditions;
  const before = ((object["status"] ?? {}) as { conditions?: Conditions }).conditions ?? [];
  const kept = before.map((old) => said.find(({ type }) => type === old.type) ?? old);
  const all = [...kept, ...said.filter(({ type }) => !before.some((old) => old.type === type))];
  return mergePatch(object, {
    ...body,
    metadata: { ...others, ...(gone.length > 0 && { finalizers: finalizers.length > 0 ? finalizers : null }) },
    ...(status !== undefined && { status: { ...rest, ...(all.length > 0 && { conditions: all }) } }),
  }) as KubeObject;
}

export function withObject(
  objects: Versions,
  resource: ResourceRef,
  key: string,
  version: string | undefined,
): Versions {
  const name = resourceName(resource);
  const { [key]: _, ...others } = objects[name] ?? {};
  return { ...objects, [name]: version === undefined ? others : { ...others, [key]: version } };
}
