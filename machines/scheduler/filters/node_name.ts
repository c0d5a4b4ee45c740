import type { Filter } from "../plugin.ts";

/** A pod that names its node fits on that one only. */
export const nodeName: Filter = {
  name: "NodeName",
  applies: ({ pod }) => Boolean(pod.spec?.nodeName),
  check: ({ pod }, node) =>
    pod.spec?.nodeName === node.name
      ? undefined
      : { reasons: ["node(s) didn't match the requested node name"], preemptible: false },
  wakesOn: ["nodeAdded"],
};
