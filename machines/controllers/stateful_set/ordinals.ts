/** Who is who in a StatefulSet: stable names, and what hangs on them (Kubernetes docs, "StatefulSets", pod identity). */
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../objects/object.ts";
import { podOf } from "../workload_pods.ts";

export const revisionLabel = "controller-revision-hash";

/** The pod's number in the set; undefined when its name is not one of the set's. */
export function ordinalOf(set: StatefulSet, { metadata: { name } }: Pick<Pod, "metadata">): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = name.slice(prefix.length);
  return name.startsWith(prefix) && /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

export function revisionOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[revisionLabel];
}

type Template = NonNullable<StatefulSet["spec"]>["template"];

/** The template that a revision remembers. */
export function templateOf({ data }: ControllerRevision): Template {
  const { $patch: _, ...template } = (data as { spec: { template: Template & { $patch?: string } } }).spec.template;
  return template as Template;
}

export function statefulPod(set: StatefulSet, template: Template, revision: string, ordinal: number): object {
  const name = podName(set, ordinal);
  const { metadata, spec } = template;
  const labels = {
    ...metadata?.labels,
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
    [revisionLabel]: revision,
  };
  const claimed = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata?.name ?? "",
    persistentVolumeClaim: { claimName: claimName(set, claim.metadata?.name, ordinal) },
  }));
  const names = new Set(claimed.map((volume) => volume.name));
  const volumes = [...claimed, ...(spec?.volumes ?? []).filter((volume) => !names.has(volume.name))];
  const serviceName = set.spec?.serviceName;
  const own = {
    ...spec,
    hostname: name,
    ...(serviceName && { subdomain: serviceName }),
    ...(volumes.length > 0 && { volumes }),
  };
  const pod = podOf(set, { metadata: { ...metadata, labels }, spec: own }, { name });
  return { ...pod, metadata: { ...pod.metadata, generateName: `${set.metadata.name}-` } };
}

export function claimName(set: StatefulSet, template: string | undefined, ordinal: number): string {
  return `${template}-${podName(set, ordinal)}`;
}

/** The claims that the pod of an ordinal needs. */
export function claimsOf(set: StatefulSet, ordinal: number): Pick<PersistentVolumeClaim, "metadata">[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const labels = { ...metadata?.labels, ...set.spec?.selector?.matchLabels };
    const { annotations, name } = metadata ?? {};
    return {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: claimName(set, name, ordinal),
        namespace: set.metadata.namespace,
        labels,
        ...(annotations && { annotations }),
      },
      spec,
    } as unknown as PersistentVolumeClaim;
  });
}
