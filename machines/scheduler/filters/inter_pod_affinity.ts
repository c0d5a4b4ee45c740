import { type ClusterView, type Filter, filter } from "../plugin.ts";
import type { NodeInfo } from "../node_info.ts";
import type { PodFacts } from "../pod_facts.ts";
import { hasTerms, meant, meets, type PodTerm } from "../pod_terms.ts";
import { DomainCounts, labelOf } from "../topology.ts";

interface Prepared {
  /** Domains with pods that every required term of the incoming pod means. */
  readonly affine: DomainCounts;
  /** Domains with pods that a required anti-affinity term of the incoming pod means. */
  readonly unwanted: DomainCounts;
  /** Domains with pods whose required anti-affinity means the incoming pod. */
  readonly unwelcome: DomainCounts;
  /** The first pod of a group that wants to be together may go anywhere. */
  readonly mayBeFirst: boolean;
}

const noAffinity = { reasons: ["node(s) didn't match pod affinity rules"], preemptible: false };
const antiAffinity = { reasons: ["node(s) didn't match pod anti-affinity rules"], preemptible: true };
const othersAntiAffinity = { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], preemptible: true };

/** Required affinity and anti-affinity between pods, of the incoming pod and of those that are there. */
export const interPodAffinity: Filter = filter<Prepared>({
  name: "InterPodAffinity",
  applies: ({ terms }, view) => hasTerms(terms) || view.antiAffine.size > 0,
  prepare,
  check({ terms }, node, { affine, unwanted, unwelcome, mayBeFirst }) {
    if (terms.affinity.length > 0) {
      const inDomains = terms.affinity.every(({ topologyKey }) => labelOf(node, topologyKey) !== undefined);
      if (!inDomains) return noAffinity;
      const together = terms.affinity.every(({ topologyKey }) =>
        affine.get(topologyKey, labelOf(node, topologyKey)) > 0
      );
      if (!together && !(affine.empty && mayBeFirst)) return noAffinity;
    }
    const meetsUnwanted = terms.antiAffinity.some(({ topologyKey }) =>
      unwanted.get(topologyKey, labelOf(node, topologyKey)) > 0
    );
    if (meetsUnwanted) return antiAffinity;
    return unwelcome.touches(node) ? othersAntiAffinity : undefined;
  },
  wakesOn: ["nodeAdded", "nodeChanged", "podAdded", "podGone", "podChanged"],
});

function prepare({ pod, terms }: PodFacts, view: ClusterView): Prepared {
  const { antiAffine, labelsOf } = view;
  const [affine, unwanted, unwelcome] = [new DomainCounts(), new DomainCounts(), new DomainCounts()];
  const count = (into: DomainCounts, term: PodTerm, node: NodeInfo) =>
    into.add(term.topologyKey, labelOf(node, term.topologyKey), 1);
  for (const node of antiAffine) {
    for (const other of node.antiAffine.values()) {
      for (const term of other.terms.antiAffinity) if (meets(term, pod, labelsOf)) count(unwelcome, term, node);
    }
  }
  const [first] = terms.affinity;
  for (const { pod: other, node } of first === undefined ? [] : meant(first, view)) {
    if (!terms.affinity.every((term) => meets(term, other.pod, labelsOf))) continue;
    for (const term of terms.affinity) count(affine, term, node);
  }
  for (const term of terms.antiAffinity) for (const { node } of meant(term, view)) count(unwanted, term, node);
  return { affine, unwanted, unwelcome, mayBeFirst: terms.affinity.every((term) => meets(term, pod, labelsOf)) };
}
