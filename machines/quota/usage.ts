/**
 * What objects count against resource quotas (Kubernetes docs, "Resource Quotas"; pkg/quota/v1/evaluator): amounts by
 * the names that a quota's `hard` uses.
 */
import type { Container, KubeObject, Pod, PodSpec, Service } from "../objects/object.ts";
import { addQuantities, compareQuantities, type Quantity, quantityOf } from "../objects/quantity.ts";
import type { ResourceRef } from "../objects/resources.ts";

export type Amounts = ReadonlyMap<string, Quantity>;

type Counted = Pick<ResourceRef, "group" | "resource">;

export const one: Quantity = { nano: 1_000_000_000n, format: "DecimalSI" };
const none: Quantity = { nano: 0n, format: "DecimalSI" };
const times = (count: number): Quantity => ({ nano: BigInt(count) * one.nano, format: "DecimalSI" });

/** Kinds of core that are counted under their plain names, too. */
const plainlyCounted = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "pods",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);

/** `count/deployments.apps`, `count/pods`. */
export function countName({ group, resource }: Counted): string {
  return group === "" ? `count/${resource}` : `count/${resource}.${group}`;
}

/** Everything that the object counts for. */
export function usageOf(counted: Counted, object: KubeObject): Amounts {
  const amounts = new Map<string, Quantity>([[countName(counted), one]]);
  if (counted.group !== "") return amounts;
  if (counted.resource === "pods") return podUsage(object as unknown as Pod, amounts);
  if (plainlyCounted.has(counted.resource)) amounts.set(counted.resource, one);
  if (counted.resource === "services") serviceUsage(object as unknown as Service, amounts);
  if (counted.resource === "persistentvolumeclaims") claimUsage(object, amounts);
  return amounts;
}

/** Those of a quota's names that objects of this kind count for. */
export function namesFor(counted: Counted, hard: Iterable<string>): string[] {
  return [...hard].filter((name) => {
    if (name === countName(counted)) return true;
    if (counted.group !== "") return false;
    if (name === counted.resource) return plainlyCounted.has(name);
    switch (counted.resource) {
      case "pods":
        return isComputeName(name);
      case "services":
        return name === "services.loadbalancers" || name === "services.nodeports";
      case "persistentvolumeclaims":
        return name === "requests.storage" || name.endsWith(`.${classSuffix}requests.storage`) ||
          name.endsWith(`.${classSuffix}persistentvolumeclaims`);
      default:
        return false;
    }
  });
}

const plain = new Set(["cpu", "memory", "ephemeral-storage"]);
const limited = new Set(["limits.cpu", "limits.memory", "limits.ephemeral-storage"]);

function isComputeName(name: string): boolean {
  if (plain.has(name) || limited.has(name) || name.startsWith("hugepages-")) return true;
  return name.startsWith("requests.") && name !== "requests.storage";
}

const ended = new Set(["Failed", "Succeeded"]);

/** A pod that has ended is still there, and needs nothing any more. */
function podUsage(pod: Pod, amounts: Map<string, Quantity>): Amounts {
  if (ended.has(pod.status?.phase ?? "")) return amounts;
  amounts.set("pods", one);
  for (const [name, amount] of podTotal(pod.spec, "requests")) {
    if (plain.has(name) || name.startsWith("hugepages-")) amounts.set(name, amount);
    amounts.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podTotal(pod.spec, "limits")) {
    if (plain.has(name)) amounts.set(`limits.${name}`, amount);
  }
  return amounts;
}

/** Containers and sidecars together, or an init container with the sidecars before it, whichever is more. */
function podTotal(spec: PodSpec | undefined, side: "requests" | "limits"): Map<string, Quantity> {
  const of = (container: Container) => toAmounts(container.resources?.[side]);
  let sidecars = new Map<string, Quantity>();
  let peak = new Map<string, Quantity>();
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === "Always") sidecars = sum(sidecars, of(container));
    peak = max(peak, container.restartPolicy === "Always" ? sidecars : sum(sidecars, of(container)));
  }
  const running = (spec?.containers ?? []).map(of).reduce(sum, sidecars);
  const total = max(running, peak);
  for (const [name, amount] of toAmounts(spec?.resources?.[side])) total.set(name, amount);
  // What a runtime needs besides counts where its pod is measured at all.
  for (const [name, amount] of toAmounts(spec?.overhead)) {
    if (side === "requests" || total.has(name)) total.set(name, addQuantities(total.get(name) ?? none, amount));
  }
  return total;
}

export function toAmounts(given: Readonly<Record<string, unknown>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(given ?? {}).map(([name, text]) => [name, quantityOf(text)]));
}

export function sum(a: Amounts, b: Amounts): Map<string, Quantity> {
  const total = new Map(a);
  for (const [name, amount] of b) total.set(name, addQuantities(total.get(name) ?? none, amount));
  return total;
}

function max(a: Amounts, b: Amounts): Map<string, Quantity> {
  const larger = new Map(a);
  for (const [name, amount] of b) {
    const known = larger.get(name);
    if (known === undefined || compareQuantities(amount, known) > 0) larger.set(name, amount);
  }
  return larger;
}

function serviceUsage({ spec }: Service, amounts: Map<string, Quantity>): void {
  const ports = spec?.ports ?? [];
  if (spec?.type === "NodePort") amounts.set("services.nodeports", times(ports.length));
  if (spec?.type !== "LoadBalancer") return;
  amounts.set("services.loadbalancers", one);
  // Without node ports of its own only those count that somebody asked for.
  const counted = spec.allocateLoadBalancerNodePorts === false
    ? ports.filter(({ nodePort }) => (nodePort ?? 0) !== 0)
    : ports;
  amounts.set("services.nodeports", times(counted.length));
}

const classSuffix = "storageclass.storage.k8s.io/";

function claimUsage(claim: KubeObject, amounts: Map<string, Quantity>): void {
  const spec = claim["spec"] as
    | { storageClassName?: string; resources?: { requests?: { storage?: string } } }
    | undefined;
  const name = claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName ?? "";
  const { storage } = spec?.resources?.requests ?? {};
  if (storage !== undefined) amounts.set("requests.storage", quantityOf(storage));
  if (name === "") return;
  amounts.set(`${name}.${classSuffix}persistentvolumeclaims`, one);
  if (storage !== undefined) amounts.set(`${name}.${classSuffix}requests.storage`, quantityOf(storage));
}
