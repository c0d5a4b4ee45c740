/**
 * What the node rules cannot see from a request's address: a kubelet writes its own node, its own lease, the pods bound to
 * its node, and gets tokens for those alone (Kubernetes docs, "NodeRestriction").
 */
import type { KubeObject, Pod } from "../../machines/objects/object.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import { forbidden } from "../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";

const mirror = "kubernetes.io/config.mirror";
const reservedPrefix = "node-restriction.kubernetes.io/";

export function nodeRestriction(client: ApiClient): AdmissionPlugin {
  const rules: Readonly<Record<string, (request: AdmissionRequest, node: string) => void | Promise<void>>> = {
    "/pods": checkPod,
    "/nodes": checkNode,
    "/serviceaccounts": checkToken,
    "coordination.k8s.io/leases": checkLease,
  };

  async function checkToken(request: AdmissionRequest, node: string): Promise<void> {
    const { attributes, object, operation } = request;
    if (attributes.subresource !== "token" || operation !== "CREATE") return;
    const spec = object?.["spec"] as { boundObjectRef?: { kind?: string; name?: string; uid?: string } } | undefined;
    const { kind, name = "", uid = "" } = spec?.boundObjectRef ?? {};
    if (kind !== "Pod" || name === "") throw refuse(request, "node requested token not bound to a pod");
    if (uid === "") throw refuse(request, "node requested token with a pod binding without a uid");
    const pod = await client.get<Pod>(resources.pods, attributes.namespace, name);
    if (pod.metadata.uid !== uid) throw refuse(request, "the UID in the bound object reference does not match the pod");
    if (pod.spec?.nodeName !== node) {
      throw refuse(request, "node requested token bound to a pod scheduled on a different node");
    }
  }

  async function checkPod(request: AdmissionRequest, node: string): Promise<void> {
    const { attributes, operation, object, old } = request;
    const self = `node ${JSON.stringify(node)}`;
    const { subresource } = attributes;
    if (operation === "CREATE" && subresource === "") return checkMirrorPod(request, self, node);
    const action = subresource === "eviction"
      ? "evict pods"
      : operation === "DELETE"
      ? "delete pods"
      : subresource === "status"
      ? "update pod status for pods"
      : undefined;
    if (action === undefined) return;
    const pod = (subresource === "eviction" ? undefined : old ?? object) ??
      await client.get<KubeObject>(resources.pods, attributes.namespace, attributes.name);
    if (nodeOfPod(pod) !== node) throw refuse(request, `${self} can only ${action} with spec.nodeName set to itself`);
  }

  return {
    name: "NodeRestriction",
    async validate(request) {
      const { user, group, resource } = request.attributes;
      const prefix = "system:node:";
      if (!user.groups.includes("system:nodes") || !user.name.startsWith(prefix)) return;
      await rules[`${group}/${resource}`]?.(request, user.name.slice(prefix.length));
    },
  };
}

function checkMirrorPod(request: AdmissionRequest, self: string, node: string): void {
  const pod = request.object;
  if (pod?.metadata.annotations?.[mirror] === undefined) {
    throw refuse(request, `pod does not have "${mirror}" annotation, ${self} can only create mirror pods`);
  }
  if (nodeOfPod(pod) !== node) throw refuse(request, `${self} can only create pods with spec.nodeName set to itself`);
  const spec = pod["spec"] as Pod["spec"];
  if ((spec?.serviceAccountName ?? "") !== "") {
    throw refuse(request, `${self} can not create pods that reference a service account`);
  }
  const reads = ["secret", "configMap", "persistentVolumeClaim", "projected"] as const;
  const found =
    (spec?.volumes ?? []).flatMap((volume) => reads.filter((kind) => (volume[kind] ?? undefined) !== undefined))[0];
  if (found !== undefined) throw refuse(request, `${self} can not create pods that reference ${found} volumes`);
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { attributes, operation, object, old } = request;
  const name = object?.metadata.name ?? attributes.name;
  const self = `node ${JSON.stringify(node)}`;
  if (name !== node) throw refuse(request, `${self} is not allowed to modify node ${JSON.stringify(name)}`);
  if (object === undefined || operation === "DELETE") return;
  const [next, before] = [object.metadata.labels ?? {}, old?.metadata.labels ?? {}];
  const changed = [...new Set([...Object.keys(next), ...Object.keys(before)])].filter((label) =>
    label.startsWith(reservedPrefix) && next[label] !== before[label]
  );
  if (changed.length > 0) {
    throw refuse(request, `${self} is not allowed to modify labels: ${changed.sort().join(", ")}`);
  }
  const taints = (one: KubeObject | undefined) => JSON.stringify((one?.["spec"] as { taints?: unknown })?.taints ?? []);
  if (operation === "UPDATE" && taints(object) !== taints(old)) {
    throw refuse(request, `${self} is not allowed to modify taints`);
  }
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.attributes.namespace !== "kube-node-lease") {
    throw refuse(request, 'can only access leases in the "kube-node-lease" system namespace');
  }
  if ((request.object?.metadata.name ?? request.attributes.name) !== node) {
    throw refuse(request, "can only access node lease with the same name as the requesting node");
  }
}

function nodeOfPod(pod: KubeObject): string {
  return (pod["spec"] as { nodeName?: string } | undefined)?.nodeName ?? "";
}

function refuse({ attributes, object }: AdmissionRequest, why: string) {
  return forbidden(attributes, attributes.name === "" ? object?.metadata.name ?? "" : attributes.name, why);
}
