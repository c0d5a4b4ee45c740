/**
 * What a kubelet may: what the role `system:node` says, but of pods only those on its node, of nodes only itself, of
 * secrets, config maps, claims and volumes only those that its pods use, and service account tokens only for those pods
 * (Kubernetes docs, "Using Node Authorization"; since 1.34 lists and watches have to select what may be seen).
 */
import { type FieldSelector, parseFieldSelector, requiredValue } from "../../machines/objects/field_selector.ts";
import type { Pod } from "../../machines/objects/object.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Authorizer, Decision, RequestAttributes } from "../machinery/types.ts";
import type { RbacPolicy } from "./rbac/policy.ts";
import { ruleAllows } from "./rbac/rules.ts";

/** The pods that are bound to a node. */
export type PodsOfNode = (nodeName: string) => Promise<readonly Pod[]>;

export function podsOfNode(client: ApiClient): PodsOfNode {
  return async (nodeName) => {
    const options = { fieldSelector: `spec.nodeName=${nodeName}`, resourceVersion: "0" };
    return (await client.list<Pod>(resources.pods, options)).items;
  };
}

const no = (reason: string): Decision => ({ allowed: false, reason });
const yes: Decision = { allowed: true, reason: "" };

/** Resources of which a node sees only what its pods name, with the verbs it has on them. */
const throughPods: Readonly<Record<string, { verbs: readonly string[]; names: (pod: Pod) => Iterable<string> }>> = {
  secrets: { verbs: ["get", "list", "watch"], names: secretsOf },
  configmaps: { verbs: ["get", "list", "watch"], names: configMapsOf },
  persistentvolumeclaims: { verbs: ["get"], names: claimsOf },
};

export function nodeAuthorizer(policy: RbacPolicy, pods: PodsOfNode): Authorizer {
  return {
    authorize(request): Decision | Promise<Decision> {
      const node = nodeOf(request);
      if (node === undefined) return no("");
      if (request.resourceRequest && request.group === "") {
        const limited = throughPods[request.resource];
        if (limited !== undefined && request.subresource === "") return usedByPods(request, node, limited);
        if (request.resource === "serviceaccounts" && request.subresource === "token") return ownToken(request, node);
        if (request.subresource === "" && reading.has(request.verb)) {
          if (request.resource === "pods") return ownPods(request, node);
          if (request.resource === "nodes") return ownNode(request, node);
        }
        if (request.resource === "nodes" && request.name !== "" && request.name !== node) {
          return no(`node ${JSON.stringify(node)} cannot ${request.verb} another node`);
        }
      }
      if (request.group === "coordination.k8s.io" && request.resource === "leases") return ownLease(request, node);
      for (const rule of policy.role({ kind: "ClusterRole", name: "system:node" }, undefined)?.rules ?? []) {
        if (ruleAllows(rule, request)) return yes;
      }
      return no("");
    },
  };

  async function usedByPods(
    request: RequestAttributes,
    node: string,
    { verbs, names }: { verbs: readonly string[]; names: (pod: Pod) => Iterable<string> },
  ): Promise<Decision> {
    if (!verbs.includes(request.verb)) return no(`can only read resources of this type`);
    if (request.name === "" || request.namespace === "") return no(`can only read namespaced object of this type`);
    for (const pod of await pods(node)) {
      if (pod.metadata.namespace !== request.namespace) continue;
      for (const name of names(pod)) if (name === request.name) return yes;
    }
    return no(`no relationship found between node '${node}' and this object`);
  }

  /** A list is of its own pods when it selects them by their node, or one of them by its name. */
  async function ownPods(request: RequestAttributes, node: string): Promise<Decision> {
    const { verb, namespace } = request;
    if (verb !== "get" && requiredValue(selectorOf(request), "spec.nodeName") === node) return yes;
    const name = nameOf(request);
    if (name === "") {
      return no(`can only ${verb} pods with the field selector "spec.nodeName=${node}"`);
    }
    for (const { metadata } of await pods(node)) {
      if (metadata.namespace === namespace && metadata.name === name) return yes;
    }
    return no(`no relationship found between node '${node}' and this object`);
  }

  async function ownToken(request: RequestAttributes, node: string): Promise<Decision> {
    if (request.verb !== "create") return no("can only create tokens for individual service accounts");
    for (const pod of await pods(node)) {
      if (pod.metadata.namespace === request.namespace && pod.spec?.serviceAccountName === request.name) return yes;
    }
    return no(`no relationship found between node '${node}' and this object`);
  }

  function ownNode(request: RequestAttributes, node: string): Decision {
    const { verb } = request;
    const name = nameOf(request);
    if (name === node) return yes;
    const what = name === "" ? "all nodes" : `node ${JSON.stringify(name)}`;
    return no(`node ${JSON.stringify(node)} cannot ${verb} ${what}, only itself`);
  }

  function ownLease(request: RequestAttributes, node: string): Decision {
    if (request.namespace !== "kube-node-lease") {
      return no('can only access leases in the "kube-node-lease" system namespace');
    }
    if (!["get", "create", "update", "patch", "delete"].includes(request.verb)) {
      return no("can only get, create, update, patch, or delete a node lease");
    }
    // The name of what is created is not known here; admission compares it with the node.
    if (request.verb !== "create" && request.name !== node) {
      return no("can only access node lease with the same name as the requesting node");
    }
    return yes;
  }
}

const reading = new Set(["get", "list", "watch"]);

/** What cannot be read selects nothing; the request itself is refused for it later. */
function selectorOf({ fieldSelector = "" }: RequestAttributes): FieldSelector {
  try {
    return parseFieldSelector(fieldSelector);
  } catch {
    return [];
  }
}

/** The one object that is asked for, by itself or selected from all. */
function nameOf(request: RequestAttributes): string {
  return request.name !== "" ? request.name : requiredValue(selectorOf(request), "metadata.name") ?? "";
}

function nodeOf({ user }: RequestAttributes): string | undefined {
  const prefix = "system:node:";
  return user.groups.includes("system:nodes") && user.name.startsWith(prefix)
    ? user.name.slice(prefix.length)
    : undefined;
}

function* secretsOf(pod: Pod): Generator<string> {
  const { spec } = pod;
  for (const reference of spec?.imagePullSecrets ?? []) if (reference.name !== undefined) yield reference.name;
  yield* referencesOf(pod, "secretRef", "secretKeyRef");
  for (const volume of spec?.volumes ?? []) {
    if (volume.secret?.secretName !== undefined) yield volume.secret.secretName;
    for (const source of volume.projected?.sources ?? []) {
      if (source.secret?.name !== undefined) yield source.secret.name;
    }
  }
}

function* configMapsOf(pod: Pod): Generator<string> {
  yield* referencesOf(pod, "configMapRef", "configMapKeyRef");
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap?.name !== undefined) yield volume.configMap.name;
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap?.name !== undefined) yield source.configMap.name;
    }
  }
}

/** Names in the environment of the pod's containers. */
function* referencesOf(
  { spec }: Pod,
  whole: "secretRef" | "configMapRef",
  key: "secretKeyRef" | "configMapKeyRef",
): Generator<string> {
  const containers = [...spec?.initContainers ?? [], ...spec?.containers ?? [], ...spec?.ephemeralContainers ?? []];
  for (const { env, envFrom } of containers) {
    for (const from of envFrom ?? []) if (from[whole]?.name !== undefined) yield from[whole].name;
    for (const { valueFrom } of env ?? []) if (valueFrom?.[key]?.name !== undefined) yield valueFrom[key].name;
  }
}

function* claimsOf(pod: Pod): Generator<string> {
  for (const volume of pod.spec?.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined) yield claim;
    if ((volume.ephemeral ?? undefined) !== undefined) yield `${pod.metadata.name}-${volume.name}`;
  }
}
