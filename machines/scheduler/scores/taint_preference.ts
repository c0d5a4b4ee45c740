import { normalizeByMax, type Score } from "../plugin.ts";
import { tolerates } from "../tolerations.ts";

/** The fewer PreferNoSchedule taints are not tolerated, the better. */
export const taintPreference: Score = {
  name: "TaintToleration",
  weight: 3,
  score: ({ tolerations }, { node }) =>
    (node?.spec?.taints ?? []).filter((taint) =>
      taint.effect === "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint))
    ).length,
  normalize: (scores) => normalizeByMax(scores, true),
};
