import { jsonEquals } from "../objects/json.ts";
import type { Node, Pod } from "../objects/object.ts";
import { NodeInfo } from "./node_info.ts";
import { type PodFacts, podFacts } from "./pod_facts.ts";

/**
 * The cluster as the scheduler sees it: nodes with the pods that run on them or have been promised to them. A promise
 * counts until the API says the same, or is taken back when the binding fails.
 */
export class Cluster {
  #nodes = new Map<string, NodeInfo>();
  /** Pod key to the name of the node it counts on. */
  #placed = new Map<string, string>();
  #list: NodeInfo[] | undefined;

  /** Nodes that exist, in a stable order. */
  get nodes(): readonly NodeInfo[] {
    return this.#list ??= [...this.#nodes.values()].filter(({ node }) => node !== undefined);
  }

  setNode(node: Node): void {
    this.#info(node.metadata.name).setNode(node);
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    // Its pods may outlive the node object for a while.
    if (info.pods.size === 0) this.#nodes.delete(name);
    else info.setNode(undefined);
    this.#list = undefined;
  }

  /** A pod that has a node, or is promised to one. */
  place(pod: PodFacts, node: string): void {
    this.remove(pod.key);
    this.#placed.set(pod.key, node);
    this.#info(node).add(pod);
  }

  remove(key: string): void {
    const node = this.#placed.get(key);
    if (node === undefined) return;
    this.#placed.delete(key);
    const info = this.#nodes.get(node);
    info?.remove(key);
    if (info !== undefined && info.node === undefined && info.pods.size === 0) this.#nodes.delete(node);
  }

  nodeOf(key: string): string | undefined {
    return this.#placed.get(key);
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }
}

/** A pod that holds its place: assigned and not ended. */
export function holdsPlace(pod: Pod): boolean {
  return Boolean(pod.spec?.nodeName) && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";
}

/** Whether a changed node is another node to the scheduler; heartbeats are not. */
export function nodeMatters(node: Node, previous: Node): boolean {
  return !jsonEquals(node.spec, previous.spec) || !jsonEquals(node.metadata.labels, previous.metadata.labels) ||
    !jsonEquals(node.status?.allocatable, previous.status?.allocatable);
}

/** Whether the pod's place or needs changed; a new status is no news here. */
export function podMatters(pod: Pod, previous: Pod): boolean {
  return holdsPlace(pod) !== holdsPlace(previous) || !jsonEquals(pod.spec, previous.spec) ||
    !jsonEquals(pod.metadata.labels, previous.metadata.labels);
}

export { podFacts };
