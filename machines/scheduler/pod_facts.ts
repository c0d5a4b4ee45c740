/** What of a pod decides where it can go, worked out once per attempt. */
import type { Container, Pod, PodSpec } from "../objects/object.ts";
import { quantityMilliValue, quantityOf, quantityValue } from "../objects/quantity.ts";
import { type PodTerms, podTerms } from "./pod_terms.ts";
import { type SpreadConstraints, spreadConstraints } from "./spread_constraints.ts";
import type { Toleration } from "./tolerations.ts";

/** Amounts by resource name: cpu in milli-cores, everything else in its own unit. */
export type Amounts = ReadonlyMap<string, number>;

export interface PodFacts {
  readonly key: string;
  readonly pod: Pod;
  readonly requests: Amounts;
  /** As `requests`, with a floor for what asks for nothing, so that such pods spread too (kube-scheduler's defaults). */
  readonly scoredRequests: Amounts;
  readonly tolerations: readonly Toleration[];
  readonly hostPorts: readonly HostPort[];
  readonly images: readonly string[];
  readonly terms: PodTerms;
  readonly spread: SpreadConstraints;
  /** Claims for volumes, "namespace/name". */
  readonly claims: readonly string[];
  readonly priority: number;
}

export interface HostPort {
  readonly protocol: string;
  readonly hostIP: string;
  readonly port: number;
}

const floors: Amounts = new Map([["cpu", 100], ["memory", 200 * 1024 * 1024]]);

export function podFacts(pod: Pod): PodFacts {
  const { spec } = pod;
  const containers = spec?.containers ?? [];
  const requests = podRequests(spec);
  const scored = new Map(requests);
  for (const [name, floor] of floors) {
    const idle = containers.filter((container) => container.resources?.requests?.[name] === undefined).length;
    if (idle > 0) scored.set(name, (scored.get(name) ?? 0) + floor * idle);
  }
  return {
    key: `${pod.metadata.namespace}/${pod.metadata.name}`,
    pod,
    requests,
    scoredRequests: scored,
    tolerations: spec?.tolerations ?? [],
    hostPorts: hostPortsOf(spec),
    images: containers.flatMap(({ image }) => image === undefined ? [] : [image]),
    terms: podTerms(pod),
    spread: spreadConstraints(pod),
    claims: claimsOf(pod),
    priority: spec?.priority ?? 0,
  };
}

export function amountOf(name: string, text: unknown): number {
  const quantity = quantityOf(text);
  return Number(name === "cpu" ? quantityMilliValue(quantity) : quantityValue(quantity));
}

/**
 * What a pod needs at its most demanding moment (Kubernetes docs, "Init Containers": resource sharing): containers and
 * sidecars together, or an init container with the sidecars before it, whichever is more; plus the pod's overhead. A
 * pod-level request takes the place of the sum.
 */
function podRequests(spec: PodSpec | undefined): Map<string, number> {
  const running = sum((spec?.containers ?? []).map(requestsOf));
  let sidecars = new Map<string, number>();
  let peak = new Map<string, number>();
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      sidecars = sum([sidecars, requestsOf(container)]);
      peak = max(peak, sidecars);
    } else {
      peak = max(peak, sum([sidecars, requestsOf(container)]));
    }
  }
  const total = max(sum([running, sidecars]), peak);
  for (const [name, text] of Object.entries(spec?.resources?.requests ?? {})) total.set(name, amountOf(name, text));
  const overhead = Object.entries(spec?.overhead ?? {}).map(([name, text]) => [name, amountOf(name, text)] as const);
  return sum([total, new Map(overhead)]);
}

function requestsOf(container: Container): Map<string, number> {
  const { requests = {}, limits = {} } = container.resources ?? {};
  return new Map(Object.entries({ ...limits, ...requests }).map(([name, text]) => [name, amountOf(name, text)]));
}

function sum(all: readonly Amounts[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const amounts of all) {
    for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + amount);
  }
  return total;
}

function max(a: Amounts, b: Amounts): Map<string, number> {
  const larger = new Map(a);
  for (const [name, amount] of b) larger.set(name, Math.max(larger.get(name) ?? 0, amount));
  return larger;
}

function hostPortsOf(spec: PodSpec | undefined): HostPort[] {
  return (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = "0.0.0.0", protocol = "TCP" }) =>
      hostPort ? [{ protocol, hostIP: hostIP || "0.0.0.0", port: hostPort }] : []
    )
  );
}

/** Named claims, and those that a volume of the pod's own makes: `POD-VOLUME`. */
function claimsOf({ metadata: { name, namespace }, spec }: Pod): string[] {
  return (spec?.volumes ?? []).flatMap(({ name: volume, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${name}-${volume}`);
    return claim === undefined ? [] : [`${namespace}/${claim}`];
  });
}
