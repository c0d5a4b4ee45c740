/** How the plans of controllers are changed for a fault. */
import type { Caches, Controller, Plan, Write } from "../../../machines/controllers/controller.ts";
import type { KubeObject, ReplicaSet } from "../../../machines/objects/object.ts";

export type Change = (write: Write, caches: Caches) => readonly Write[];

/** The controller with its plan's writes changed, one by one. */
export function writing(controller: Controller, change: Change): Controller {
  return {
    ...controller,
    plan(key, caches, context) {
      const plan: Plan | undefined = controller.plan(key, caches, context);
      if (plan === undefined) return undefined;
      return {
        ...plan,
        writes: plan.writes.flatMap((each) => each as Write | Write[]).flatMap((each) => change(each, caches)),
      };
    },
  };
}

export const isOf = (write: Write, resource: string, type: Write["type"], subresource?: string) =>
  write.type === type && write.type !== "event" && write.resource.resource === resource &&
  (write as { subresource?: string }).subresource === subresource;

/** The ReplicaSet of an update with another size. */
export function sized(write: Write, size: (set: ReplicaSet) => number): Write {
  const { object } = write as { object: KubeObject };
  const spec = object["spec"] as object;
  return {
    ...write,
    object: { ...object, spec: { ...spec, replicas: size(object as unknown as ReplicaSet) } },
  } as Write;
}

export function withoutOwners(write: Write): Write {
  const { object } = write as { object: KubeObject };
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...write, object: { ...object, metadata } } as Write;
}

export const blindTo = (caches: Caches, resource: string): Caches => ({
  of:
    ((ref: { resource: string }) =>
      ref.resource === resource
        ? { get: () => undefined, list: () => [], inNamespace: () => [], ownedBy: () => [] }
        : caches.of(ref as never)) as Caches["of"],
});

export const deaf = (controller: Controller, resource: string): Controller => ({
  ...controller,
  watches: controller.watches.map((watch) =>
    watch.resource.resource === resource ? { ...watch, keys: () => [] } : watch
  ),
});
