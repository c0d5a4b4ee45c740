import { type ClusterView, type Score, score } from "../plugin.ts";
import type { PodFacts } from "../pod_facts.ts";
import { hasTerms, meets, type PodTerm } from "../pod_terms.ts";
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

function prepare({ pod, terms }: PodFacts, { nodes, affine, labelsOf }: ClusterView): DomainCounts {
  const wishes = new DomainCounts();
  const own = terms.preferredAffinity.length + terms.preferredAntiAffinity.length > 0;
  for (const node of own ? nodes : affine) {
    const weigh = (which: readonly PodTerm[], of: PodFacts["pod"], sign: number) => {
      for (const term of which) {
        if (!meets(term, of, labelsOf)) continue;
        wishes.add(term.topologyKey, labelOf(node, term.topologyKey), sign * (term.weight || requiredWeight));
      }
    };
    for (const other of (own ? node.pods : node.affine).values()) {
      weigh(terms.preferredAffinity, other.pod, 1);
      weigh(terms.preferredAntiAffinity, other.pod, -1);
      if (!hasTerms(other.terms)) continue;
      weigh(other.terms.affinity, pod, 1);
      weigh(other.terms.preferredAffinity, pod, 1);
      weigh(other.terms.preferredAntiAffinity, pod, -1);
    }
  }
  return wishes;
}
