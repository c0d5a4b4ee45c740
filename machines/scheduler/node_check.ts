/** Whether a pod can run on a node: the filters, with what each of them works out once per attempt. */
import { filters } from "./filters/filters.ts";
import type { NodeInfo } from "./node_info.ts";
import type { ClusterView, Filter, Refusal } from "./plugin.ts";
import type { PodFacts } from "./pod_facts.ts";

export interface NodeRefusal extends Refusal {
  /** Name of the filter that refused. */
  readonly filter: string;
}

interface Asked {
  readonly filter: Filter;
  readonly prepared: unknown;
}

export class NodeCheck {
  readonly #asked: readonly Asked[];
  /** Why no node at all will do, and who says so. */
  readonly refused: { readonly filter: string; readonly why: string } | undefined;

  constructor(readonly pod: PodFacts, view: ClusterView) {
    const asked: Asked[] = [];
    for (const filter of filters) {
      if (filter.applies !== undefined && !filter.applies(pod, view)) continue;
      const why = filter.refuses?.(pod, view);
      if (why !== undefined) {
        this.refused = { filter: filter.name, why };
        break;
      }
      asked.push({ filter, prepared: filter.prepare?.(pod, view) });
    }
    this.#asked = asked;
  }

  /** The first refusal, in the filters' order. */
  refusalOf(node: NodeInfo): NodeRefusal | undefined {
    for (const { filter, prepared } of this.#asked) {
      const refusal = filter.check(this.pod, node, prepared);
      if (refusal !== undefined) return { ...refusal, filter: filter.name };
    }
    return undefined;
  }
}
