/** Which flow a request belongs to (Kubernetes docs, "API Priority and Fairness"): the first FlowSchema that matches it. */
import type { KubeObject } from "../objects/object.ts";

interface Subject {
  readonly kind: string;
  readonly user?: { readonly name: string };
  readonly group?: { readonly name: string };
  readonly serviceAccount?: { readonly name: string; readonly namespace: string };
}

interface Rule {
  readonly subjects?: readonly Subject[];
  readonly resourceRules?: readonly {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly namespaces?: readonly string[];
    readonly clusterScope?: boolean;
  }[];
  readonly nonResourceRules?: readonly {
    readonly verbs: readonly string[];
    readonly nonResourceURLs: readonly string[];
  }[];
}

export interface FlowSchema extends KubeObject {
  readonly spec?: {
    readonly matchingPrecedence?: number;
    readonly priorityLevelConfiguration: { readonly name: string };
    readonly distinguisherMethod?: { readonly type: "ByUser" | "ByNamespace" } | null;
    readonly rules?: readonly Rule[];
  };
}

/** What a schema looks at. */
export interface FlowRequest {
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  readonly verb: string;
  readonly path: string;
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
}

const usualPrecedence = 1_000;

/** In the order in which they are asked. */
export function inOrder(schemas: Iterable<FlowSchema>): FlowSchema[] {
  const precedence = ({ spec }: FlowSchema) => spec?.matchingPrecedence ?? usualPrecedence;
  return [...schemas].sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

export function matches({ spec }: FlowSchema, request: FlowRequest): boolean {
  return (spec?.rules ?? []).some(({ subjects = [], resourceRules = [], nonResourceRules = [] }) => {
    if (!subjects.some((subject) => isMeant(subject, request))) return false;
    if (!request.resourceRequest) {
      return nonResourceRules.some(({ verbs, nonResourceURLs }) =>
        has(verbs, request.verb) && nonResourceURLs.some((url) => isUrlOf(url, request.path))
      );
    }
    const { group, resource, subresource, namespace, verb } = request;
    const whole = subresource === "" ? resource : `${resource}/${subresource}`;
    return resourceRules.some(({ verbs, apiGroups, resources, namespaces = [], clusterScope = false }) =>
      has(verbs, verb) && has(apiGroups, group) && has(resources, whole) &&
      (namespace === "" ? clusterScope : has(namespaces, namespace))
    );
  });
}

/** What tells the flows of one schema apart. */
export function distinguisherOf({ spec }: FlowSchema, request: FlowRequest): string {
  const method = spec?.distinguisherMethod?.type;
  return method === "ByUser" ? request.user.name : method === "ByNamespace" ? request.namespace : "";
}

function has(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}

function isUrlOf(pattern: string, path: string): boolean {
  return pattern === "*" || (pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path);
}

function isMeant({ kind, user, group, serviceAccount }: Subject, { user: asking }: FlowRequest): boolean {
  switch (kind) {
    case "User":
      return user?.name === "*" || user?.name === asking.name;
    case "Group":
      return group?.name === "*" || asking.groups.includes(group?.name ?? "");
    case "ServiceAccount": {
      const prefix = `system:serviceaccount:${serviceAccount?.namespace}:`;
      if (serviceAccount?.name === "*") return asking.name.startsWith(prefix);
      return asking.name === prefix + serviceAccount?.name;
    }
    default:
      return false;
  }
}
