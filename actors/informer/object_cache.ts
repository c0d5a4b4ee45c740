import type { KubeObject } from "../../machines/objects/object.ts";

/** Objects by key, by namespace and by owner. */
export class ObjectCache<T extends Pick<KubeObject, "metadata">> {
  #byKey = new Map<string, T>();
  #byNamespace = new Index<T>((object) => [object.metadata.namespace ?? ""]);
  #byOwner = new Index<T>((object) => object.metadata.ownerReferences?.map(({ uid }) => uid) ?? []);

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  values(): IterableIterator<T> {
    return this.#byKey.values();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#byNamespace.get(namespace);
  }

  ownedBy(uid: string): readonly T[] {
    return this.#byOwner.get(uid);
  }

  set(key: string, object: T): void {
    const previous = this.#byKey.get(key);
    if (previous !== undefined) this.#forget(previous);
    this.#byKey.set(key, object);
    this.#byNamespace.add(object);
    this.#byOwner.add(object);
  }

  delete(key: string): void {
    const previous = this.#byKey.get(key);
    if (previous === undefined) return;
    this.#byKey.delete(key);
    this.#forget(previous);
  }

  #forget(object: T): void {
    this.#byNamespace.remove(object);
    this.#byOwner.remove(object);
  }
}

class Index<T> {
  #sets = new Map<string, Set<T>>();

  constructor(readonly values: (object: T) => readonly string[]) {}

  get(value: string): readonly T[] {
    const found = this.#sets.get(value);
    return found === undefined ? [] : [...found];
  }

  add(object: T): void {
    for (const value of this.values(object)) {
      const set = this.#sets.get(value);
      if (set === undefined) this.#sets.set(value, new Set([object]));
      else set.add(object);
    }
  }

  remove(object: T): void {
    for (const value of this.values(object)) {
      const set = this.#sets.get(value);
      set?.delete(object);
      if (set?.size === 0) this.#sets.delete(value);
    }
  }
}
