import type { NodeInfo } from "../node_info.ts";
import { type Score, score } from "../plugin.ts";
import { countDomains, countNodes, type SpreadConstraint } from "../spread_constraints.ts";
import { labelOf } from "../topology.ts";

const hostname = "kubernetes.io/hostname";

interface Prepared {
  readonly constraint: SpreadConstraint;
  countOf(node: NodeInfo): number;
  /** Few large domains weigh less each than many small ones. */
  readonly weight: number;
}

/** Preferred spreading: the fewer matching pods a domain has, the better. */
export const spreadPreference: Score = score<readonly Prepared[]>({
  name: "PodTopologySpread",
  weight: 2,
  applies: ({ spread }) => spread.preferred.length > 0,
  prepare: (pod, view, fitting) =>
    pod.spread.preferred.map((constraint) => {
      const domains = new Set(fitting.map((node) => labelOf(node, constraint.topologyKey)));
      domains.delete(undefined);
      const perNode = constraint.topologyKey === hostname;
      // Single nodes are their own domains.
      const byNode = perNode ? countNodes(constraint, pod, view) : new Map<NodeInfo, number>();
      const byDomain = perNode ? new Map() : countDomains(constraint, pod.spread.preferred, pod, view);
      const countOf = (node: NodeInfo) =>
        (perNode ? byNode.get(node) : byDomain.get(labelOf(node, constraint.topologyKey))) ?? 0;
      return { constraint, countOf, weight: Math.log((perNode ? fitting.length : domains.size) + 2) };
    }),
  score(_, node, prepared) {
    // A node outside of the domains comes last.
    if (!prepared.every(({ constraint }) => labelOf(node, constraint.topologyKey) !== undefined)) return -1;
    return Math.round(prepared.reduce(
      (sum, { constraint, countOf, weight }) => sum + countOf(node) * weight + (constraint.maxSkew - 1),
      0,
    ));
  },
  normalize(scores) {
    const inside = scores.filter((each) => each >= 0);
    const [least, most] = [Math.min(...inside), Math.max(...inside)];
    return scores.map((each) => each < 0 ? 0 : most === 0 ? 100 : (most + least - each) * 100 / most);
  },
});
