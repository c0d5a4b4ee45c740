import type { Score } from "../plugin.ts";

/** The closer cpu and memory are to being used in equal shares, the better. */
export const balancedAllocation: Score = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score({ requests }, { allocatable, requested }) {
    const share = (name: string) => {
      const room = allocatable.get(name) ?? 0;
      return room === 0 ? 0 : Math.min(1, ((requested.get(name) ?? 0) + (requests.get(name) ?? 0)) / room);
    };
    return (1 - Math.abs(share("cpu") - share("memory")) / 2) * 100;
  },
};
