/** Counts per topology domain: a node label's key and value. */
import type { NodeInfo } from "./node_info.ts";

export class DomainCounts {
  #counts = new Map<string, Map<string, number>>();

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  add(key: string, value: string | undefined, amount: number): void {
    if (value === undefined || amount === 0) return;
    let values = this.#counts.get(key);
    if (values === undefined) this.#counts.set(key, values = new Map());
    values.set(value, (values.get(value) ?? 0) + amount);
  }

  get(key: string, value: string | undefined): number {
    return value === undefined ? 0 : this.#counts.get(key)?.get(value) ?? 0;
  }

  /** The sum over all keys for a node. */
  sumFor(node: NodeInfo): number {
    let sum = 0;
    for (const [key, values] of this.#counts) sum += values.get(labelOf(node, key) ?? "") ?? 0;
    return sum;
  }

  /** Whether a node is in a counted domain of any key. */
  touches(node: NodeInfo): boolean {
    for (const [key, values] of this.#counts) {
      const value = labelOf(node, key);
      if (value !== undefined && (values.get(value) ?? 0) > 0) return true;
    }
    return false;
  }
}

export function labelOf({ node }: NodeInfo, key: string): string | undefined {
  return node?.metadata.labels?.[key];
}
