import { type Filter, filter } from "../plugin.ts";
import { countDomains, isCounted, type SpreadConstraint } from "../spread_constraints.ts";
import { labelOf } from "../topology.ts";

interface Prepared {
  readonly constraint: SpreadConstraint;
  readonly counts: ReadonlyMap<string, number>;
  readonly least: number;
  /** 1 where the pod itself would count. */
  readonly own: number;
}

const unequal = "node(s) didn't match pod topology spread constraints";
const missingLabel = { reasons: [`${unequal} (missing required label)`], preemptible: false };
const skewed = { reasons: [unequal], preemptible: true };

/** Required spreading: no domain may have more than maxSkew pods above the emptiest. */
export const podTopologySpread: Filter = filter<readonly Prepared[]>({
  name: "PodTopologySpread",
  applies: ({ spread }) => spread.required.length > 0,
  prepare: (pod, view) =>
    pod.spread.required.map((constraint) => {
      const counts = countDomains(constraint, pod.spread.required, pod, view);
      const least = counts.size < constraint.minDomains || counts.size === 0 ? 0 : Math.min(...counts.values());
      return { constraint, counts, least, own: isCounted(constraint, pod.pod.metadata.labels) ? 1 : 0 };
    }),
  check(_, node, prepared) {
    for (const { constraint, counts, least, own } of prepared) {
      const value = labelOf(node, constraint.topologyKey);
      if (value === undefined) return missingLabel;
      if ((counts.get(value) ?? 0) + own - least > constraint.maxSkew) return skewed;
    }
    return undefined;
  },
  wakesOn: ["nodeAdded", "nodeChanged", "podAdded", "podGone", "podChanged"],
});
