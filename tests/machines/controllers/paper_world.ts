/** An API on paper: the objects, and what a controller's writes make of them. Plain and slow; no admission, no defaults. */
import type { Caches, Controller, Write } from "../../../machines/controllers/controller.ts";
import { keyOf, type KubeObject, type ObjectMeta } from "../../../machines/objects/object.ts";
import { mergePatch } from "../../../machines/objects/merge_patch.ts";
import type { ObjectReader } from "../../../machines/objects/reader.ts";
import { resourceName, type ResourceRef } from "../../../machines/objects/resources.ts";

export class PaperWorld implements Caches {
  now = Date.UTC(2026, 0, 1);
  /** What was written, as `create pods`, `delete pods web-0`. */
  readonly log: string[] = [];
  #objects = new Map<string, Map<string, KubeObject>>();
  #count = 0;

  of<T>(resource: ResourceRef): ObjectReader<T> {
    const objects = this.#all(resource);
    const list = () => [...objects.values()] as T[];
    const where = (test: (object: KubeObject) => boolean) => [...objects.values()].filter(test) as T[];
    return {
      get: (key) => objects.get(key) as T | undefined,
      list,
      inNamespace: (namespace) => where(({ metadata }) => metadata.namespace === namespace),
      ownedBy: (uid) =>
        where(({ metadata }) => metadata.ownerReferences?.some((reference) => reference.uid === uid) ?? false),
    };
  }

  put(resource: ResourceRef, draft: object): KubeObject {
    const { metadata, ...rest } = structuredClone(draft) as { metadata: Partial<ObjectMeta> };
    const count = ++this.#count;
    const name = metadata.name ?? `${metadata.generateName}${count}`;
    const known = this.#all(resource).get(metadata.namespace ? `${metadata.namespace}/${name}` : name);
    const object = {
      creationTimestamp: new Date(this.now + count * 1000).toISOString().replace(".000", ""),
      uid: `uid-${count}`,
      generation: 1,
      ...known?.metadata,
      ...metadata,
      name,
      resourceVersion: String(count),
    };
    const made = { ...rest, metadata: object } as unknown as KubeObject;
    this.#all(resource).set(keyOf(made), made);
    return made;
  }

  remove(resource: ResourceRef, key: string): void {
    this.#all(resource).delete(key);
  }

  /** Plans for a key and carries the plan out. Answers whether anything was written. */
  reconcile(controller: Controller, key: string): boolean {
    const plan = controller.plan(key, this, { now: this.now, suffix: () => `s${++this.#count}` });
    const writes = (plan?.writes ?? []).flatMap((step) => Array.isArray(step) ? step as Write[] : [step as Write]);
    for (const write of writes) this.#carryOut(write);
    return writes.length > 0;
  }

  #all(resource: ResourceRef): Map<string, KubeObject> {
    const name = resourceName(resource);
    let objects = this.#objects.get(name);
    if (objects === undefined) this.#objects.set(name, objects = new Map());
    return objects;
  }

  #carryOut(write: Write): void {
    if (write.type === "event") return;
    for (const { resource, namespace, name, uid } of write.absent ?? []) {
      const found = name === undefined
        ? this.of<KubeObject>(resource).inNamespace(namespace ?? "")[0]
        : this.of<KubeObject>(resource).get(namespace === undefined ? name : `${namespace}/${name}`);
      if (found !== undefined && (uid === undefined || found.metadata.uid === uid)) return;
    }
    const { resource } = write;
    const place = (namespace: string | undefined, name: string) => namespace ? `${namespace}/${name}` : name;
    switch (write.type) {
      case "create":
        this.put(resource, write.object);
        this.log.push(`create ${resource.resource}`);
        return;
      case "update":
        this.put(resource, write.object);
        this.log.push(`update ${resource.resource} ${write.object.metadata.name}`);
        return;
      case "patch": {
        const object = this.#all(resource).get(place(write.namespace, write.name));
        if (object === undefined) return;
        const patched = mergePatch(object, write.body) as KubeObject;
        this.log.push(`patch ${resource.resource} ${write.name}`);
        const { finalizers = [], deletionTimestamp } = patched.metadata;
        if (deletionTimestamp !== undefined && finalizers.length === 0) this.remove(resource, keyOf(patched));
        else this.#all(resource).set(keyOf(patched), patched);
        return;
      }
      case "delete": {
        const key = place(write.namespace, write.name);
        const object = this.#all(resource).get(key);
        if (object === undefined || (write.uid !== undefined && write.uid !== object.metadata.uid)) return;
        this.log.push(`delete ${resource.resource} ${write.name} ${write.propagation ?? ""}`.trim());
        this.delete(resource, key, write.propagation);
        return;
      }
    }
  }

  /** As the API does: what has finalizers, or is to wait for its dependents, is only marked. Pods go at once. */
  delete(resource: ResourceRef, key: string, propagation: "Orphan" | "Background" | "Foreground" = "Background"): void {
    const object = this.#all(resource).get(key);
    if (object === undefined) return;
    const finalizer = { Orphan: "orphan", Foreground: "foregroundDeletion", Background: undefined }[propagation];
    const finalizers = [...object.metadata.finalizers ?? [], ...(finalizer === undefined ? [] : [finalizer])];
    if (finalizers.length === 0) return this.remove(resource, key);
    const deletionTimestamp = object.metadata.deletionTimestamp ?? new Date(this.now).toISOString();
    const metadata = { ...object.metadata, finalizers: [...new Set(finalizers)], deletionTimestamp };
    this.#all(resource).set(key, { ...object, metadata });
  }
}
