import type { Filter } from "../plugin.ts";
import { tolerates } from "../tolerations.ts";

const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Cordoned nodes take only pods that tolerate it. */
export const nodeUnschedulable: Filter = {
  name: "NodeUnschedulable",
  check: ({ tolerations }, { node }) =>
    !node?.spec?.unschedulable || tolerations.some((toleration) => tolerates(toleration, taint))
      ? undefined
      : { reasons: ["node(s) were unschedulable"], preemptible: false },
  wakesOn: ["nodeAdded", "nodeChanged", "podChanged"],
};
