/** Random walks through a cluster in which everything may happen at once: what is too large to be looked at wholly. */
import { Cluster, type ClusterModel } from "../../machines/models/raft/raft_cluster.ts";
import { diskOf, emptyDisk } from "../../machines/models/raft/raft_cluster.ts";
import {
  compaction,
  electionWait,
  heartbeat,
  lease,
  majority,
  membershipChange,
  proposal,
  read,
  settings,
  transfer,
} from "../../machines/models/raft/raft_slices.ts";

const voters = ["a", "b", "c"];
const disk = diskOf({ voters, learners: [] });

/** Three voters and one who may join; slow disks, losses, crashes, reads, snapshots, changes, transfers. */
export const everything: ClusterModel = {
  settings: { ...settings, maxMessageBytes: 2, maxUncommittedBytes: 4 },
  slowDisk: true,
  members: [...voters, "d"],
  disks: { a: disk, b: disk, c: disk, d: emptyDisk() },
  maxTerm: 12,
  maxStates: Infinity,
  maxInFlight: 24,
  budgets: {
    waits: 60,
    leases: 60,
    heartbeats: 60,
    looks: 10,
    crashes: 6,
    losses: 40,
    duplicates: 20,
    proposals: 30,
    reads: 20,
    snapshots: 4,
    changes: 6,
    transfers: 6,
  },
  possibilities: [
    electionWait,
    lease,
    heartbeat,
    majority,
    proposal,
    read("b"),
    compaction,
    transfer("b"),
    membershipChange({ type: "addLearner", member: "d" }),
    membershipChange({ type: "promoteLearner", member: "d" }),
    membershipChange({ type: "removeMember", member: "c" }),
  ],
  sometimes: {},
};

export interface Walk {
  readonly terms: number;
  readonly committed: number;
  readonly members: number;
}

/**
 * Goes `moves` steps; the seed says which. Deliveries and writes are taken as often as everything else together.
 *
 * @throws Error naming the seed, with the last moves, when a promise is broken.
 */
export function walk(model: ClusterModel, seed: number, moves: number): Walk {
  const cluster = new Cluster(model);
  const draw = drawer(seed);
  const story: string[] = [];
  let row = cluster.first();
  try {
    for (let at = 0; at < moves; at++) {
      const [easy, hard]: [string, () => string][][] = [[], []];
      cluster.expand(row, (next, _, name) => (isEasy(name()) ? easy! : hard!).push([next, name]));
      const from = hard!.length === 0 || (easy!.length > 0 && draw() < 0.8) ? easy! : hard!;
      if (from.length === 0) break;
      const [next, name] = from[Math.floor(draw() * from.length)]!;
      story.push(name());
      row = next;
      cluster.check(row);
    }
  } catch (error) {
    const last = story.slice(-40).join("\n  ");
    throw new Error(`Broken with seed ${seed}: ${(error as Error).message}\n  ${last}`, { cause: error });
  }
  const { ghost, locals } = cluster.look(row);
  const leaders = Object.keys(ghost.leaders).length;
  const { configuration } = locals[0]!.snapshot.context.log.configurations.at(-1)!;
  return { terms: leaders, committed: ghost.committed.length, members: configuration.voters.length };
}

function isEasy(name: string): boolean {
  return name.startsWith("deliver") || name.startsWith("write");
}

/** Numbers from 0 up to 1 (mulberry32): the same ones for the same seed. */
function drawer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
