import { type LabelSelector, matchesLabels } from "../objects/label_selector.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PodFacts } from "./pod_facts.ts";

export interface PlacedPod {
  readonly pod: PodFacts;
  readonly node: NodeInfo;
}

/**
 * Placed pods by namespace and label, so that who looks for a few of many thousands need not look at all of them. A
 * selector that asks for no label's one value has no choice but to.
 */
export class PodIndex {
  #byLabel = new Map<string, Map<string, PlacedPod>>();

  add(pod: PodFacts, node: NodeInfo): void {
    for (const key of keysOf(pod)) {
      let pods = this.#byLabel.get(key);
      if (pods === undefined) this.#byLabel.set(key, pods = new Map());
      pods.set(pod.key, { pod, node });
    }
  }

  remove(pod: PodFacts): void {
    for (const key of keysOf(pod)) {
      const pods = this.#byLabel.get(key);
      pods?.delete(pod.key);
      if (pods?.size === 0) this.#byLabel.delete(key);
    }
  }

  /** Pods of a namespace that the selector means; undefined where the index is of no help. */
  find(namespace: string, selector: LabelSelector): PlacedPod[] | undefined {
    const equal = selector.find(({ operator, values }) => operator === "=" && values.length === 1);
    if (equal === undefined) return undefined;
    const pods = this.#byLabel.get(`${namespace}\n${equal.key}\n${equal.values[0]}`);
    if (pods === undefined) return [];
    return [...pods.values()].filter(({ pod }) => matchesLabels(selector, pod.pod.metadata.labels));
  }
}

function keysOf({ pod: { metadata: { namespace, labels = {} } } }: PodFacts): string[] {
  return Object.entries(labels).map(([key, value]) => `${namespace}\n${key}\n${value}`);
}

/** The same by a look at every pod. */
export function scanPods(nodes: readonly NodeInfo[], namespace: string, selector: LabelSelector): PlacedPod[] {
  const found: PlacedPod[] = [];
  for (const node of nodes) {
    for (const pod of node.pods.values()) {
      const { metadata } = pod.pod;
      if (metadata.namespace === namespace && matchesLabels(selector, metadata.labels)) found.push({ pod, node });
    }
  }
  return found;
}
