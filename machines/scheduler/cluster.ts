import { jsonEquals } from "../objects/json.ts";
import type { Labels, LabelSelector } from "../objects/label_selector.ts";
import type { Node, PersistentVolumeClaim, Pod } from "../objects/object.ts";
import { type PlacedPod, PodIndex, scanPods } from "./pod_index.ts";
import { NodeInfo } from "./node_info.ts";
import type { ClusterView } from "./plugin.ts";
import { type PodFacts, podFacts } from "./pod_facts.ts";

/** What the cluster knows besides nodes and pods. */
export interface ClusterReaders {
  namespaces(): readonly string[];
  labelsOf(namespace: string): Labels | undefined;
  claim(key: string): PersistentVolumeClaim | undefined;
}

const noReaders: ClusterReaders = { namespaces: () => [], labelsOf: () => undefined, claim: () => undefined };

/**
 * The cluster as the scheduler sees it: nodes with the pods that run on them or have been promised to them. A promise
 * counts until the API says the same, or is taken back when the binding fails.
 */
export class Cluster implements ClusterView {
  readonly affine = new Set<NodeInfo>();
  readonly antiAffine = new Set<NodeInfo>();
  #nodes = new Map<string, NodeInfo>();
  /** Pod key to the name of the node it counts on. */
  #placed = new Map<string, string>();
  #list: NodeInfo[] | undefined;

  #index = new PodIndex();
  /** Pods that others make room for, by key, with the node where that is. */
  #nominated = new Map<string, { readonly pod: PodFacts; readonly node: string }>();

  constructor(readonly readers: ClusterReaders = noReaders) {}

  podsOf = (namespace: string, selector: LabelSelector): readonly PlacedPod[] =>
    this.#index.find(namespace, selector) ?? scanPods([...this.#nodes.values()], namespace, selector);
  namespaces = (): readonly string[] => this.readers.namespaces();
  labelsOf = (namespace: string): Labels | undefined => this.readers.labelsOf(namespace);
  claim = (key: string): PersistentVolumeClaim | undefined => this.readers.claim(key);

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
    this.#nominated.delete(pod.key);
    const info = this.#info(node);
    info.add(pod);
    this.#index.add(pod, info);
    this.#note(info);
  }

  /** The pod's place is being cleared; until it is placed, pods of lower priority keep off. */
  nominate(pod: PodFacts, node: string): void {
    this.#nominated.set(pod.key, { pod, node });
  }

  nominatedNode(key: string): string | undefined {
    return this.#nominated.get(key)?.node;
  }

  forgetNomination(key: string): void {
    this.#nominated.delete(key);
  }

  /** Pods, other than the given one and of no lower priority, for which place is being made on a node. */
  nominatedTo(node: string, { key, priority }: PodFacts): PodFacts[] {
    if (this.#nominated.size === 0) return [];
    return [...this.#nominated.values()]
      .filter((each) => each.node === node && each.pod.key !== key && each.pod.priority >= priority)
      .map(({ pod }) => pod);
  }

  remove(key: string): void {
    const node = this.#placed.get(key);
    if (node === undefined) return;
    this.#placed.delete(key);
    const info = this.#nodes.get(node);
    const pod = info?.pods.get(key);
    if (pod !== undefined) this.#index.remove(pod);
    info?.remove(key);
    if (info !== undefined) this.#note(info);
    if (info !== undefined && info.node === undefined && info.pods.size === 0) this.#nodes.delete(node);
  }

  nodeOf(key: string): string | undefined {
    return this.#placed.get(key);
  }

  #note(info: NodeInfo): void {
    if (info.affine.size > 0) this.affine.add(info);
    else this.affine.delete(info);
    if (info.antiAffine.size > 0) this.antiAffine.add(info);
    else this.antiAffine.delete(info);
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
    !jsonEquals(pod.metadata.labels, previous.metadata.labels) ||
    pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp;
}

export { podFacts };
