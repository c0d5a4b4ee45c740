/** Parts of what a cluster may do, each small enough to be looked at completely. */
import type { MembershipChange } from "../../raft/membership.ts";
import type { RaftSettings } from "../../raft/raft_member.ts";
import { type ClusterModel, diskOf, emptyDisk, type Possibility } from "./raft_cluster.ts";
import { isLeader } from "./raft_ghost.ts";
import type { Local } from "./raft_local.ts";

export const settings: RaftSettings = {
  electionTimeoutMs: 1000,
  heartbeatMs: 100,
  maxMessageBytes: 1000,
  maxInFlight: 2,
  maxInFlightBytes: 1000,
  maxUncommittedBytes: 1000,
  keptEntries: 0,
  maxLearners: 1,
  promotionLag: 0,
};

const timerOf = (local: Local, part: string) => {
  const timer = Object.keys(local.timers).find((id) => id.includes(part));
  return timer === undefined ? undefined : { timer };
};

/** The follower's wait, or the candidate's, is over. */
export const electionWait: Possibility = {
  name: "election wait of",
  budget: "waits",
  event: (local) => timerOf(local, "electionWait"),
};
/** A follower has not heard from its leader for an election timeout. */
export const lease: Possibility = { name: "lease of", budget: "leases", event: (local) => timerOf(local, "led") };
export const heartbeat: Possibility = {
  name: "heartbeat of",
  budget: "heartbeats",
  event: (local) => timerOf(local, "heartbeat"),
};
export const majority: Possibility = {
  name: "look for a majority of",
  budget: "looks",
  event: (local) => timerOf(local, "majority"),
};
/** An election at any moment, without asking first: whatever pre-votes and leases would keep from happening. */
export const election: Possibility = {
  name: "election of",
  budget: "elections",
  event: (local) =>
    isLeader(local) || !local.snapshot.matches({ member: "follower" })
      ? undefined
      : { type: "candidacy.urged", from: "", to: local.member, term: local.snapshot.context.term },
};
export const proposal: Possibility = {
  name: "proposal to",
  budget: "proposals",
  event: (local) => isLeader(local) ? { type: "proposal.made", sizes: [1] } : undefined,
};
export const read = (member: string): Possibility => ({
  name: "read at",
  budget: "reads",
  event: (local, ghost) =>
    local.member === member || isLeader(local)
      ? { type: "reads.wanted", ids: [Object.keys(ghost.reads).length + 1] }
      : undefined,
});
export const compaction: Possibility = {
  name: "snapshot at",
  budget: "snapshots",
  event: (local) => {
    const { applied, snapshot } = local.snapshot.context;
    return isLeader(local) && applied > snapshot.index ? { type: "snapshot.made", index: applied } : undefined;
  },
};

export const membershipChange = (change: MembershipChange): Possibility => ({
  name: `${change.type} ${change.member} at`,
  budget: "changes",
  event: (local) => isLeader(local) ? { type: "change.proposed", change, size: 1 } : undefined,
});

export const transfer = (to: string): Possibility => ({
  name: `transfer to ${to} from`,
  budget: "transfers",
  event: (local) => isLeader(local) ? { type: "transfer.wanted", to } : undefined,
});

/** A transfer has taken an election timeout. */
export const transferWait: Possibility = {
  name: "transfer has taken too long at",
  budget: "waits",
  event: (local) => timerOf(local, "underWay"),
};

const abc = ["a", "b", "c"];
const three = { voters: abc, learners: [] };
const threeDisks = Object.fromEntries(abc.map((member) => [member, diskOf(three)]));

const aLeader: ClusterModel["sometimes"] = { "somebody leads": (locals) => locals.some(isLeader) };
const leaderOf = (term: number) => (_: readonly Local[], { leaders }: { leaders: Readonly<Record<number, string>> }) =>
  leaders[term] !== undefined;

const base = { settings, members: abc, disks: threeDisks, maxStates: 10_000_000 };

/** a leads term 1, and everybody knows. */
const aLeads = [{ member: "a", event: { type: "candidacy.urged", from: "", to: "a", term: 0 } }] as const;

/** The situation of the thesis' figure 3.7 (b, with three members): a has an entry of term 2, b one of term 3. */
const figure = { a: diskOf(three, [2], 3), b: diskOf(three, [3]), c: diskOf(three, [], 3) };

const beginElection = (member: string, term: number): Possibility => ({
  ...election,
  event: (local, ghost) =>
    local.member === member && local.snapshot.context.term === term ? election.event(local, ghost) : undefined,
});

/** Where some mutants are caught; without one they are too large for the fast tests. */
export const mutantSlices: Readonly<Record<string, ClusterModel>> = {
  "late answers: slow disks, 2 proposals, 1 election, 1 crash, 3 in flight": {
    ...base,
    prelude: aLeads,
    keepsDead: true,
    slowDisk: true,
    maxTerm: 2,
    maxInFlight: 3,
    budgets: { proposals: 1, elections: 1, crashes: 1 },
    possibilities: [
      {
        ...proposal,
        event: ({ member, snapshot: { context } }) =>
          member === "a" && context.term === 1 ? { type: "proposal.made", sizes: [1, 1] } : undefined,
      },
      beginElection("a", 1),
    ],
    sometimes: { "a leads again": (_, { leaders }) => leaders[2] === "a" },
  },
  "rounds of reads: 2 reads of a leader, 1 election, 5 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 5,
    budgets: { reads: 2, elections: 1 },
    possibilities: [
      beginElection("c", 1),
      { ...read("a"), event: (local, ghost) => local.member === "a" ? read("a").event(local, ghost) : undefined },
    ],
    sometimes: { "the other leads": leaderOf(2) },
  },
};

/** Part of the fast tests. */
export const slices: Readonly<Record<string, ClusterModel>> = {
  "alone: slow disk, 2 terms, 8 waits, 1 proposal, 1 read, 1 crash": {
    ...base,
    slowDisk: true,
    members: ["a"],
    disks: { a: diskOf({ voters: ["a"], learners: [] }) },
    maxTerm: 2,
    budgets: { waits: 8, proposals: 1, reads: 1, crashes: 1 },
    possibilities: [electionWait, proposal, read("a")],
    sometimes: {
      "a proposal is committed": (_, { committed }) => committed.length === 3,
      "it leads again": leaderOf(2),
    },
  },
  "pre-vote: 3 members, 1 term, 2 waits, 4 in flight": {
    ...base,
    maxTerm: 1,
    maxInFlight: 4,
    budgets: { waits: 2 },
    possibilities: [electionWait],
    sometimes: aLeader,
  },
  "election: 3 members, 1 term, 2 elections, 1 crash, 4 in flight": {
    ...base,
    maxTerm: 1,
    maxInFlight: 4,
    budgets: { elections: 2, crashes: 1 },
    possibilities: [beginElection("a", 0), beginElection("b", 0)],
    sometimes: aLeader,
  },
  "slow disks: 3 members, 1 proposal, 1 crash, 3 in flight": {
    ...base,
    slowDisk: true,
    prelude: aLeads,
    maxTerm: 1,
    maxInFlight: 3,
    budgets: { proposals: 1, crashes: 1 },
    possibilities: [proposal],
    sometimes: { "it is committed": (_, { committed }) => committed.length === 3 },
  },
  "slow votes: 3 members, 1 term, 2 elections, 1 crash, 3 in flight": {
    ...base,
    slowDisk: true,
    maxTerm: 1,
    maxInFlight: 3,
    budgets: { elections: 2, crashes: 1 },
    possibilities: [beginElection("a", 0), beginElection("b", 0)],
    sometimes: aLeader,
  },
  "replication: 1 proposal, 1 election, 4 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 4,
    budgets: { proposals: 1, elections: 1 },
    possibilities: [proposal, beginElection("b", 1)],
    sometimes: { "all is committed": (_, { committed }) => committed.length === 4 },
  },
  "figure 3.7: 2 elections, one entry a message, 4 in flight": {
    ...base,
    settings: { ...settings, maxMessageBytes: 0, maxInFlight: 1 },
    disks: figure,
    maxTerm: 5,
    maxInFlight: 4,
    budgets: { elections: 2 },
    possibilities: [beginElection("a", 3), beginElection("b", 4)],
    sometimes: { "both lead": (_, { leaders }) => leaders[4] === "a" && leaders[5] === "b" },
  },
  "read index: 1 read, 1 election, 4 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 4,
    budgets: { reads: 1, elections: 1 },
    possibilities: [election, read("b")],
    sometimes: { "a read is served": (_, { reads }) => Object.values(reads).includes(0) },
  },
  "snapshot: 1 proposal, 1 snapshot, 1 crash, 3 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 1,
    maxInFlight: 3,
    budgets: { proposals: 1, snapshots: 1, crashes: 1, heartbeats: 1 },
    possibilities: [proposal, compaction, heartbeat],
    sometimes: {
      "a follower starts from a snapshot": (locals) => locals.slice(1).some(({ disk }) => disk.base.index > 0),
    },
  },
  "membership: a learner added, 1 election, 3 in flight": {
    ...base,
    members: [...abc, "d"],
    disks: { ...threeDisks, d: emptyDisk() },
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 3,
    budgets: { changes: 1, elections: 1 },
    possibilities: [election, membershipChange({ type: "addLearner", member: "d" })],
    sometimes: { "it is added": (locals) => locals[3]!.snapshot.context.wasMember },
  },
  "membership: two changes wanted, 1 election, 4 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 4,
    budgets: { changes: 2, elections: 1 },
    possibilities: [
      election,
      membershipChange({ type: "removeMember", member: "b" }),
      membershipChange({ type: "removeMember", member: "c" }),
    ],
    sometimes: { "one is left": (locals) => locals[0]!.snapshot.context.log.configurations.length === 3 },
  },
  "membership: the leader removed, 1 election": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    budgets: { changes: 1, elections: 1 },
    possibilities: [election, membershipChange({ type: "removeMember", member: "a" })],
    sometimes: { "it is removed": (locals) => locals[0]!.snapshot.matches("removed"), "the next leads": leaderOf(2) },
  },
  "transfer: the leader hands over, 2 looks for a majority, 1 heartbeat, 1 lease, 1 wait, 3 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 3,
    budgets: { transfers: 1, looks: 2, heartbeats: 1, leases: 1, waits: 1 },
    possibilities: [transfer("b"), transferWait, majority, heartbeat, lease],
    sometimes: {
      "it hands over": (_, { leaders }) => leaders[2] === "b",
      "a leader without a majority gives up": (locals, { leaders }) =>
        leaders[2] === undefined && locals[0]!.snapshot.matches({ member: "follower" }),
    },
  },
};

/** Looked at by `deno task check:raft`, with all those above. */
export const largeSlices: Readonly<Record<string, ClusterModel>> = {
  "pre-vote: 3 members, 1 term, 2 waits": {
    ...base,
    maxTerm: 1,
    budgets: { waits: 2 },
    possibilities: [electionWait],
    sometimes: aLeader,
  },
  "election: 3 members, 2 terms, 1 crash": {
    ...base,
    maxTerm: 2,
    budgets: { elections: 2, crashes: 1 },
    possibilities: [election],
    sometimes: { ...aLeader, "a second leader": leaderOf(2) },
  },
  "slow disks: 3 members, 1 election, 1 proposal, 1 crash, 4 in flight": {
    ...base,
    slowDisk: true,
    maxTerm: 1,
    maxInFlight: 4,
    budgets: { elections: 1, proposals: 1, crashes: 1 },
    possibilities: [election, proposal],
    sometimes: aLeader,
  },
  "replication: 2 proposals, 1 loss, 1 duplicate, 4 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 1,
    maxInFlight: 4,
    budgets: { proposals: 2, losses: 1, duplicates: 1 },
    possibilities: [proposal],
    sometimes: { "all is committed": (_, { committed }) => committed.length === 4 },
  },
  "replaced leaders: 1 proposal, 3 elections, 3 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 4,
    maxInFlight: 3,
    budgets: { proposals: 1, elections: 3 },
    possibilities: [proposal, election],
    sometimes: { "a fourth leader": leaderOf(4) },
  },
  "read index: 1 read, 1 election, 1 proposal, 5 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 5,
    budgets: { proposals: 1, reads: 1, elections: 1 },
    possibilities: [proposal, election, read("b")],
    sometimes: { "a read is served": (_, { reads }) => Object.values(reads).includes(0) },
  },
  "snapshot: 1 proposal, 1 snapshot, 1 election, 1 crash, 4 in flight": {
    ...base,
    prelude: aLeads,
    maxTerm: 2,
    maxInFlight: 4,
    budgets: { proposals: 1, snapshots: 1, crashes: 1, elections: 1, heartbeats: 1 },
    possibilities: [proposal, compaction, heartbeat, election],
    sometimes: {
      "a follower starts from a snapshot": (locals) => locals.slice(1).some(({ disk }) => disk.base.index > 0),
    },
  },
  "membership: a learner added, 1 election": {
    ...base,
    members: [...abc, "d"],
    disks: { ...threeDisks, d: emptyDisk() },
    prelude: aLeads,
    maxTerm: 2,
    budgets: { changes: 1, elections: 1 },
    possibilities: [election, membershipChange({ type: "addLearner", member: "d" })],
    sometimes: { "it is added": (locals) => locals[3]!.snapshot.context.wasMember },
  },
};
