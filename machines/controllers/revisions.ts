/** Remembered pod templates: the ControllerRevisions of a DaemonSet or StatefulSet. */
import { jsonEquals } from "../objects/json.ts";
import type { ControllerRevision, DaemonSet } from "../objects/object.ts";
import { resources } from "../objects/resources.ts";
import type { Write } from "./controller.ts";
import { templateHash } from "./deployment/rollout.ts";
import { controllerReference } from "./ownership.ts";
import type { Owner } from "./workload_pods.ts";

type Template = NonNullable<DaemonSet["spec"]>["template"];

/** What the owner's template is called now. */
export interface CurrentRevision {
  readonly name: string;
  readonly hash: string;
  /** Makes it exist, with the highest number. */
  readonly writes: readonly Write[];
  /** Another template has the name: the owner counts it, which changes the hash. */
  readonly collided: boolean;
}

export function currentRevision(
  owner: Owner,
  template: Template | undefined,
  revisions: readonly ControllerRevision[],
  options: { readonly hashLabel: string; readonly collisions: number },
): CurrentRevision {
  const { hashLabel, collisions } = options;
  const data = { spec: { template: { ...template, $patch: "replace" } } };
  const highest = Math.max(0, ...revisions.map(({ revision }) => Number(revision)));
  const same = revisions.filter((each) => jsonEquals(each.data, data)).sort(byNumber).at(-1);
  if (same !== undefined) {
    const { name, labels } = same.metadata;
    const hash = labels?.[hashLabel] ?? name.slice(owner.metadata.name.length + 1);
    // A template that comes back is the newest again.
    const writes: Write[] = Number(same.revision) === highest
      ? []
      : [{ type: "update", resource: resources.controllerRevisions, object: { ...same, revision: highest + 1 } }];
    return { name, hash, writes, collided: false };
  }
  const hash = templateHash(template, collisions);
  const name = `${owner.metadata.name}-${hash}`;
  const { annotations, namespace } = owner.metadata;
  const object = {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name,
      namespace,
      labels: { ...template?.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations }),
      ownerReferences: [controllerReference(owner)],
    },
    data,
    revision: highest + 1,
  };
  const collided = revisions.some(({ metadata }) => metadata.name === name);
  const writes: Write[] = collided ? [] : [{ type: "create", resource: resources.controllerRevisions, object }];
  return { name, hash, writes, collided };
}

/** Revisions beyond the limit that nobody uses go, the oldest first. */
export function surplusRevisions(
  revisions: readonly ControllerRevision[],
  limit: number,
  isUsed: (revision: ControllerRevision) => boolean,
): Write[] {
  const unused = revisions.filter((each) => !isUsed(each) && each.metadata.deletionTimestamp === undefined);
  return unused.sort(byNumber).slice(0, Math.max(0, unused.length - limit)).map(({ metadata }): Write => ({
    type: "delete",
    resource: resources.controllerRevisions,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid,
  }));
}

export function byNumber(a: ControllerRevision, b: ControllerRevision): number {
  return Number(a.revision) - Number(b.revision) ||
    (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1);
}
