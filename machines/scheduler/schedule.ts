/** One scheduling cycle: filter, score, choose (Kubernetes docs, "Kubernetes Scheduler"). */
import { filters } from "./filters/filters.ts";
import type { NodeInfo } from "./node_info.ts";
import type { Filter } from "./plugin.ts";
import type { PodFacts } from "./pod_facts.ts";
import { scores } from "./scores/scores.ts";

export type Placement =
  | { readonly fits: true; readonly node: string; readonly seen: number }
  | {
    readonly fits: false;
    /** In Kubernetes' words. */
    readonly message: string;
    /** Names of the filters that refused. */
    readonly refusedBy: readonly string[];
    readonly seen: number;
  };

/**
 * Places a pod. Large clusters are not searched whole: the search starts at `start`, which goes round, and ends when
 * enough nodes fit (kube-scheduler's percentageOfNodesToScore). `draw`, uniform in [0, 1), settles ties.
 */
export function schedulePod(pod: PodFacts, nodes: readonly NodeInfo[], start: number, draw: number): Placement {
  const asked = filters.filter((filter) => filter.applies?.(pod) ?? true);
  const enough = enoughNodes(nodes.length);
  const fitting: NodeInfo[] = [];
  const refusals = new Refusals();
  let seen = 0;
  for (; seen < nodes.length && fitting.length < enough; seen++) {
    const node = nodes[(start + seen) % nodes.length]!;
    if (passes(pod, node, asked, refusals)) fitting.push(node);
  }
  if (fitting.length === 0) return { fits: false, ...refusals.describe(nodes.length), seen };
  const node = fitting.length === 1 ? fitting[0]! : best(pod, fitting, nodes, draw);
  return { fits: true, node: node.name, seen };
}

/** At least 100 nodes, and 50 % less a percent for every 125 nodes, but never under 5 %. */
export function enoughNodes(count: number): number {
  if (count < 100) return count;
  const percent = Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor(count * percent / 100));
}

function passes(pod: PodFacts, node: NodeInfo, asked: readonly Filter[], refusals: Refusals): boolean {
  for (const filter of asked) {
    const refusal = filter.check(pod, node);
    if (refusal === undefined) continue;
    refusals.add(filter.name, refusal.reasons, refusal.preemptible);
    return false;
  }
  return true;
}

function best(pod: PodFacts, fitting: readonly NodeInfo[], all: readonly NodeInfo[], draw: number): NodeInfo {
  const totals = new Float64Array(fitting.length);
  for (const score of scores) {
    if (score.applies !== undefined && !score.applies(pod)) continue;
    const raw = fitting.map((node) => score.score(pod, node, all));
    const normal = score.normalize?.(raw) ?? raw;
    for (let index = 0; index < totals.length; index++) totals[index]! += Math.trunc(normal[index]!) * score.weight;
  }
  const highest = totals.reduce((a, b) => Math.max(a, b));
  const winners = fitting.filter((_, index) => totals[index] === highest);
  return winners[Math.floor(draw * winners.length)]!;
}

/** Counts reasons and tells them as kube-scheduler does, so that people and their tools recognise them. */
class Refusals {
  #reasons = new Map<string, number>();
  #filters = new Set<string>();
  #preemptible = 0;
  #hopeless = 0;

  add(filter: string, reasons: readonly string[], preemptible: boolean): void {
    this.#filters.add(filter);
    for (const reason of reasons) this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (preemptible) this.#preemptible++;
    else this.#hopeless++;
  }

  describe(nodes: number): { message: string; refusedBy: string[] } {
    if (nodes === 0) return { message: "no nodes available to schedule pods", refusedBy: ["NodeName"] };
    const list = (counts: Iterable<readonly [string, number]>) =>
      [...counts].filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
    const preemption = list([
      ["No preemption victims found for incoming pod", this.#preemptible],
      ["Preemption is not helpful for scheduling", this.#hopeless],
    ]);
    const available = `0/${nodes} nodes are available: `;
    const message = `${available}${
      list(this.#reasons)
    }. no new claims to deallocate, preemption: ${available}${preemption}.`;
    return { message, refusedBy: [...this.#filters] };
  }
}
