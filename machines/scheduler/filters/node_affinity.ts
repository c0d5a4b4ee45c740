import { matchesRequired } from "../node_affinity.ts";
import type { Filter } from "../plugin.ts";

/** Node selectors and required node affinity. */
export const nodeAffinity: Filter = {
  name: "NodeAffinity",
  applies: ({ pod }) => pod.spec?.nodeSelector !== undefined || pod.spec?.affinity?.nodeAffinity !== undefined,
  check: ({ pod }, { node }) =>
    node !== undefined && matchesRequired(pod, node)
      ? undefined
      : { reasons: ["node(s) didn't match Pod's node affinity/selector"], preemptible: false },
  wakesOn: ["nodeAdded", "nodeChanged", "podChanged"],
};
