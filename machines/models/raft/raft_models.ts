/** A raft cluster in the situations that matter: election, replication, reads, snapshots, changes of members. */
import type { NamedModel } from "../model.ts";
import type { ClusterModel } from "./raft_cluster.ts";
import { exploreCluster } from "./raft_search.ts";
import { largeSlices, slices } from "./raft_slices.ts";

/** Their names, in the order in which the slices are written. */
const small = [
  "alone",
  "pre-vote",
  "election",
  "slow-disks",
  "slow-votes",
  "replication",
  "figure-3-7",
  "read-index",
  "snapshot",
  "learner",
  "two-changes",
  "leader-removed",
  "transfer",
];
const large = [
  "pre-vote-any",
  "election-again",
  "slow-disks-election",
  "replication-lossy",
  "replaced-leaders",
  "read-index-write",
  "snapshot-election",
  "learner-any",
];

function named(
  size: NamedModel["size"],
  names: readonly string[],
  models: Readonly<Record<string, ClusterModel>>,
): NamedModel[] {
  return Object.entries(models).map(([about, model], index) => ({
    name: `raft/${names[index]}`,
    about,
    size,
    search() {
      const { coverage, ...found } = exploreCluster(model);
      return { ...found, coverage: [coverage] };
    },
  }));
}

export const raftModels: readonly NamedModel[] = [
  ...named("small", small, slices),
  ...named("large", large, largeSlices),
];
