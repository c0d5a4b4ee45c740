import { type ClusterView, type Score, score } from "../plugin.ts";
import type { PodFacts } from "../pod_facts.ts";
import { meant, meets, type PodTerm } from "../pod_terms.ts";
import { DomainCounts, labelOf } from "../topology.ts";

/** What a required affinity of a pod that is there weighs for those it wants near (hardPodAffinityWeight). */
const requiredWeight = 1;

/** The more weight of wishes for nearness, its own and others', a place meets, the better. */
export const podAffinityPreference: Score = score<DomainCounts>({
  name: "InterPodAffinity",
  weight: 2,
  applies: ({ terms }, view) =>
    terms.preferredAffinity.length + terms.preferredAntiAffinity.length > 0 || view.affine.size > 0,
  prepare,
  score: (_, node, wishes) => wishes.sumFor(node),
  normalize(scores) {
    const [least, most] = [Math.min(...scores), Math.max(...scores)];
    return scores.map((each) => most === least ? 0 : (each - least) * 100 / (most - least));
  },
});

function prepare({ pod, terms }: PodFacts, view: ClusterView): DomainCounts {
  const wishes = new DomainCounts();
  for (const [own, sign] of [[terms.preferredAffinity, 1], [terms.preferredAntiAffinity, -1]] as const) {
    for (const term of own) {
      for (const { node } of meant(term, view)) {
        wishes.add(term.topologyKey, labelOf(node, term.topologyKey), sign * term.weight);
      }
    }
  }
  for (const node of view.affine) {
    const weigh = (which: readonly PodTerm[], sign: number) => {
      for (const term of which) {
        if (!meets(term, pod, view.labelsOf)) continue;
        wishes.add(term.topologyKey, labelOf(node, term.topologyKey), sign * (term.weight || requiredWeight));
      }
    };
    for (const other of node.affine.values()) {
      weigh(other.terms.affinity, 1);
      weigh(other.terms.preferredAffinity, 1);
      weigh(other.terms.preferredAntiAffinity, -1);
    }
  }
  return wishes;
}
