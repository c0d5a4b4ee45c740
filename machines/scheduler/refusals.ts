import type { NodeRefusal } from "./node_check.ts";

export interface Described {
  readonly message: string;
  readonly refusedBy: readonly string[];
}

/** Counts reasons and tells them as kube-scheduler does, so that people and their tools recognise them. */
export class Refusals {
  #reasons = new Map<string, number>();
  #filters = new Set<string>();
  #preemptible = 0;
  #hopeless = 0;

  constructor(readonly nodes: number) {}

  add({ filter, reasons, preemptible }: NodeRefusal): void {
    this.#filters.add(filter);
    for (const reason of reasons) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (preemptible) this.#preemptible++;
    else this.#hopeless++;
  }

  /** `preemption`: why no room is made, or nothing where it is; unless told, that it would not help. */
  describe(preemption?: string): Described {
    if (this.nodes === 0) return { message: "no nodes available to schedule pods", refusedBy: ["NodeName"] };
    const available = `0/${this.nodes} nodes are available: `;
    const unhelpful = list([
      ["No preemption victims found for incoming pod", this.#preemptible],
      ["Preemption is not helpful for scheduling", this.#hopeless],
    ]);
    const tried = preemption ?? `${available}${unhelpful}.`;
    const ending = tried === "" ? "" : ` no new claims to deallocate, preemption: ${tried}`;
    return { message: `${available}${list(this.#reasons)}.${ending}`, refusedBy: [...this.#filters] };
  }

  /** One filter refused the pod for every node there is. */
  describeWhole({ filter, why }: { filter: string; why: string }): Described {
    if (this.nodes === 0) return this.describe();
    return { message: `0/${this.nodes} nodes are available: ${why}. not found`, refusedBy: [filter] };
  }
}

function list(counts: Iterable<readonly [string, number]>): string {
  return [...counts].filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
}
