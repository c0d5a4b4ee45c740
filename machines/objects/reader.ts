/** A local, consistent copy of a resource's objects, as plain functions read it. Objects are frozen and shared. */
export interface ObjectReader<T> {
  /** By "namespace/name", or "name" for what has no namespace. */
  get(key: string): T | undefined;
  list(): readonly T[];
  inNamespace(namespace: string): readonly T[];
  /** Objects with an owner reference to this uid. */
  ownedBy(uid: string): readonly T[];
}
