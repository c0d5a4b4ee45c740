import type { Score } from "../plugin.ts";

/** The more cpu and memory stay free, the better. */
export const leastAllocated: Score = {
  name: "NodeResourcesFit",
  weight: 1,
  score({ scoredRequests }, { allocatable, scoredRequested }) {
    let sum = 0;
    for (const name of ["cpu", "memory"]) {
      const room = allocatable.get(name) ?? 0;
      const used = (scoredRequested.get(name) ?? 0) + (scoredRequests.get(name) ?? 0);
      if (room > 0 && used <= room) sum += (room - used) * 100 / room;
    }
    return sum / 2;
  },
};
