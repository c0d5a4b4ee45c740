import { preferredWeight } from "../node_affinity.ts";
import { normalizeByMax, type Score } from "../plugin.ts";

/** The more weight of preferred node affinity a node meets, the better. */
export const affinityPreference: Score = {
  name: "NodeAffinity",
  weight: 2,
  applies: ({ pod }) =>
    (pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).length > 0,
  score: ({ pod }, { node }) => node === undefined ? 0 : preferredWeight(pod, node),
  normalize: (scores) => normalizeByMax(scores),
};
