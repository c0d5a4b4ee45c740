/** Which objects a quota with scopes counts (Kubernetes docs, "Resource Quotas": quota scopes). */
import type { KubeObject, Pod } from "../objects/object.ts";
import { qosClassOf } from "../pod/qos.ts";
import type { ResourceRef } from "../objects/resources.ts";

interface Requirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface QuotaSpec {
  readonly hard?: Readonly<Record<string, string | number>>;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: { readonly matchExpressions?: readonly Requirement[] };
}

type Counted = Pick<ResourceRef, "group" | "resource">;

/** All of a quota's scopes must fit. Only pods and claims have any. */
export function inScopes({ scopes = [], scopeSelector }: QuotaSpec, counted: Counted, object: KubeObject): boolean {
  const requirements: Requirement[] = [
    ...scopes.map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...scopeSelector?.matchExpressions ?? [],
  ];
  if (requirements.length === 0) return true;
  if (counted.group !== "") return false;
  if (counted.resource === "pods") {
    return requirements.every((each) => podFits(each, object as unknown as Pod));
  }
  if (counted.resource === "persistentvolumeclaims") return requirements.every((each) => claimFits(each, object));
  return false;
}

function podFits(requirement: Requirement, pod: Pod): boolean {
  const { spec } = pod;
  switch (requirement.scopeName) {
    case "Terminating":
      return (spec?.activeDeadlineSeconds ?? -1) >= 0;
    case "NotTerminating":
      return (spec?.activeDeadlineSeconds ?? -1) < 0;
    case "BestEffort":
      return qosClassOf(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(pod) !== "BestEffort";
    case "PriorityClass":
      return fits(requirement, spec?.priorityClassName ?? "");
    case "CrossNamespacePodAffinity":
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function claimFits(requirement: Requirement, claim: KubeObject): boolean {
  if (requirement.scopeName !== "VolumeAttributesClass") return false;
  const spec = claim["spec"] as { volumeAttributesClassName?: string } | undefined;
  return fits(requirement, spec?.volumeAttributesClassName ?? "");
}

function fits({ operator, values = [] }: Requirement, value: string): boolean {
  switch (operator) {
    case "In":
      return value !== "" && values.includes(value);
    case "NotIn":
      return !values.includes(value);
    case "Exists":
      return value !== "";
    default:
      return value === "";
  }
}

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm),
    ].some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined)
  );
}
