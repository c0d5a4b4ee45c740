/**
 * The history of a store is dropped after five to ten minutes, as by a kube-apiserver: each interval one of the API
 * servers on it, whoever comes first, drops what is older than the revision that it noted an interval before.
 */
import { setup } from "xstate";
import { effect } from "../effect.ts";

export type CompactionEvent =
  | { type: "history.compacted" }
  /** Another one's turn, or the first round, after which there is something to go back to. */
  | { type: "history.noted" }
  | { type: "compaction.failed"; reason: string; message: string };

export const compactionMachine = setup({
  types: { events: {} as CompactionEvent },
  actions: {
    compactHistory: effect({
      answers: ["history.compacted", "history.noted", "compaction.failed"],
      fails: "compaction.failed",
    }),
  },
  delays: { compactionInterval: 300_000, retryDelay: 10_000 },
}).createMachine({
  id: "compaction",
  options: { maxIterations: 100 },
  initial: "compacting",
  states: {
    compacting: {
      description: "Asks whose turn it is, and, when it is its own, drops the history before the last round.",
      entry: { type: "compactHistory", params: {} },
      on: { "history.compacted": "resting", "history.noted": "resting", "compaction.failed": "waiting" },
    },
    resting: { description: "Nothing to do for five minutes.", after: { compactionInterval: "compacting" } },
    waiting: {
      description: "The store did not answer; tries again in ten seconds.",
      after: { retryDelay: "compacting" },
    },
  },
});

/** What is known of the rounds so far: how many there were, and the revision at the last one. */
export interface CompactionRounds {
  readonly count: number;
  readonly revision: number;
}

/** The key whose version counts the rounds; a kube-apiserver's name for it, below the prefix that a store may have. */
export const roundKey = "/compact_rev_key";

/** What to drop after a round that was won: nothing in the first, which has no round before it. */
export function compactedAt({ revision }: CompactionRounds): number | undefined {
  return revision === 0 ? undefined : revision;
}
