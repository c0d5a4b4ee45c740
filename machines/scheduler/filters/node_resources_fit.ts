import type { Filter } from "../plugin.ts";

/** The requests must fit into what is allocatable and not yet requested; the number of pods counts too. */
export const nodeResourcesFit: Filter = {
  name: "NodeResourcesFit",
  check({ requests }, { allocatable, requested, pods }) {
    const reasons: string[] = [];
    // Even an empty node would be too small: nobody's removal helps.
    let preemptible = true;
    if (pods.size + 1 > (allocatable.get("pods") ?? 0)) reasons.push("Too many pods");
    for (const [name, amount] of requests) {
      const room = allocatable.get(name) ?? 0;
      if (amount === 0 || amount <= room - (requested.get(name) ?? 0)) continue;
      reasons.push(`Insufficient ${name}`);
      if (amount > room) preemptible = false;
    }
    return reasons.length === 0 ? undefined : { reasons, preemptible };
  },
  wakesOn: ["nodeAdded", "nodeChanged", "podGone", "podChanged"],
};
