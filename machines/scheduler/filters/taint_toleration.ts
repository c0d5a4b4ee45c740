import type { Filter } from "../plugin.ts";
import { untoleratedTaint } from "../tolerations.ts";

/** Taints that forbid scheduling must be tolerated. */
export const taintToleration: Filter = {
  name: "TaintToleration",
  check: ({ tolerations }, { node }) =>
    untoleratedTaint(tolerations, node?.spec?.taints ?? [], ["NoSchedule", "NoExecute"]) === undefined
      ? undefined
      : { reasons: ["node(s) had untolerated taint(s)"], preemptible: false },
  wakesOn: ["nodeAdded", "nodeChanged", "podChanged"],
};
