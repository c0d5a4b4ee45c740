import type { NodeInfo } from "../node_info.ts";
import { type Score, score } from "../plugin.ts";
import { countDomains, matchingPods, type SpreadConstraint } from "../spread_constraints.ts";
import { labelOf } from "../topology.ts";

const hostname = "kubernetes.io/hostname";

interface Prepared {
  readonly constraint: SpreadConstraint;
  /** Undefined for single nodes, which are their own domains. */
  readonly counts: ReadonlyMap<string, number> | undefined;
  /** Few large domains weigh less each than many small ones. */
  readonly weight: number;
}

/** Preferred spreading: the fewer matching pods a domain has, the better. */
export const spreadPreference: Score = score<readonly Prepared[]>({
  name: "PodTopologySpread",
  weight: 2,
  applies: ({ spread }) => spread.preferred.length > 0,
  prepare: (pod, { nodes }, fitting) =>
    pod.spread.preferred.map((constraint) => {
      const domains = new Set(fitting.map((node) => labelOf(node, constraint.topologyKey)));
      domains.delete(undefined);
      const perNode = constraint.topologyKey === hostname;
      const counts = perNode ? undefined : countDomains(constraint, pod.spread.preferred, pod, nodes);
      return { constraint, counts, weight: Math.log((perNode ? fitting.length : domains.size) + 2) };
    }),
  score(pod, node, prepared) {
    // A node outside of the domains comes last.
    if (!prepared.every(({ constraint }) => labelOf(node, constraint.topologyKey) !== undefined)) return -1;
    const sum = prepared.reduce((total, { constraint, counts, weight }) => {
      const count = counts?.get(labelOf(node, constraint.topologyKey) ?? "") ??
        matchingPods(constraint, pod, node as NodeInfo);
      return total + count * weight + (constraint.maxSkew - 1);
    }, 0);
    return Math.round(sum);
  },
  normalize(scores) {
    const inside = scores.filter((each) => each >= 0);
    const [least, most] = [Math.min(...inside), Math.max(...inside)];
    return scores.map((each) => each < 0 ? 0 : most === 0 ? 100 : (most + least - each) * 100 / most);
  },
});
