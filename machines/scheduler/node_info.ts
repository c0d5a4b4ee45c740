import type { Node } from "../objects/object.ts";
import { hasTerms } from "./pod_terms.ts";
import { amountOf, type Amounts, type HostPort, type PodFacts } from "./pod_facts.ts";

/** A node with what runs on it, or is about to. Kept up to date by adding and removing pods. */
export class NodeInfo {
  node: Node | undefined;
  allocatable: Amounts = new Map();
  readonly pods = new Map<string, PodFacts>();
  /** Those of the pods that have any wish about other pods, and those that have required anti-affinity. */
  readonly affine = new Map<string, PodFacts>();
  readonly antiAffine = new Map<string, PodFacts>();
  readonly requested = new Map<string, number>();
  readonly scoredRequested = new Map<string, number>();
  /** Image name to size in bytes. */
  images: ReadonlyMap<string, number> = new Map();
  #ports = new Map<string, number>();

  constructor(readonly name: string) {}

  setNode(node: Node | undefined): void {
    this.node = node;
    const { allocatable = {}, images = [] } = node?.status ?? {};
    this.allocatable = new Map(Object.entries(allocatable).map(([name, text]) => [name, amountOf(name, text)]));
    this.images = new Map(
      images.flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, Number(sizeBytes)])),
    );
  }

  add(pod: PodFacts): void {
    this.remove(pod.key);
    this.pods.set(pod.key, pod);
    if (hasTerms(pod.terms)) this.affine.set(pod.key, pod);
    if (pod.terms.antiAffinity.length > 0) this.antiAffine.set(pod.key, pod);
    this.#account(pod, 1);
  }

  remove(key: string): void {
    const pod = this.pods.get(key);
    if (pod === undefined) return;
    this.pods.delete(key);
    this.affine.delete(key);
    this.antiAffine.delete(key);
    this.#account(pod, -1);
  }

  /** Whether a host port is taken; 0.0.0.0 collides with every address. */
  isTaken({ protocol, hostIP, port }: HostPort): boolean {
    for (const key of this.#ports.keys()) {
      const [otherProtocol, otherIP, otherPort] = key.split("|");
      if (otherProtocol !== protocol || Number(otherPort) !== port) continue;
      if (hostIP === "0.0.0.0" || otherIP === "0.0.0.0" || otherIP === hostIP) return true;
    }
    return false;
  }

  #account(pod: PodFacts, sign: 1 | -1): void {
    for (const [name, amount] of pod.requests) {
      this.requested.set(name, (this.requested.get(name) ?? 0) + sign * amount);
    }
    for (const [name, amount] of pod.scoredRequests) {
      this.scoredRequested.set(name, (this.scoredRequested.get(name) ?? 0) + sign * amount);
    }
    for (const { protocol, hostIP, port } of pod.hostPorts) {
      const key = `${protocol}|${hostIP}|${port}`;
      const count = (this.#ports.get(key) ?? 0) + sign;
      if (count > 0) this.#ports.set(key, count);
      else this.#ports.delete(key);
    }
  }
}
