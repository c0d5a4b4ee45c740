/**
 * One member of the replicated log (Ongaro's thesis "Consensus: Bridging Theory and Practice"; where it leaves a choice,
 * etcd-raft's behaviour). The chart says what the member is and what it waits for; what it concludes from a message is
 * in the rules beside it. It never sees payloads, clocks or chance: those are with its actor.
 *
 * What its actor owes it: writes (saveEntries, installSnapshot) are carried out in the order they are given, and
 * `thenSend` is sent when its write and all before it are durable. Messages may be lost, doubled, late and in any order.
 */
import { assign, raise, setup } from "xstate";
import { effect } from "../effect.ts";
import type { Message } from "./message.ts";
import { raftActions } from "./raft_actions.ts";
import { raftGuards } from "./raft_guards.ts";
import { type RaftContext, type RaftEvent, type RaftInput, restarted } from "./raft_member.ts";
import { adoptTerm, turnOf } from "./election_rules.ts";
import type { OrderParams } from "./turn.ts";

/** A later term has begun: follows, and then looks at the message (thesis 3.3). */
const ofNewerTerm = {
  guard: "isOfNewerTerm",
  target: "#raft.member.follower",
  actions: ["adoptTerm", "takeAgain"],
} as const;
/** Somebody else leads this term: follows, and then looks at the message. */
const yieldToLeader = { guard: "isOfThisTerm", target: "#raft.member.follower", actions: "takeAgain" } as const;
/** Thesis 4.2.3, 6.4.1: who hears from a leader, or is it, helps nobody to disturb it. Unless the leader wishes so. */
const stick = { guard: "isUnwishedElection" } as const;

export const raftMachine = setup({
  types: { context: {} as RaftContext, events: {} as RaftEvent, input: {} as RaftInput },
  actions: {
    saveEntries: effect<OrderParams<"saveEntries">>({
      answers: ["entries.saved", "disk.failed"],
      fails: "disk.failed",
    }),
    /** The bytes are there already; replaces state and log. */
    installSnapshot: effect<OrderParams<"installSnapshot">>({
      answers: ["snapshot.installed", "disk.failed"],
      fails: "disk.failed",
    }),
    sendMessages: effect<OrderParams<"sendMessages">>(),
    /** Sends the bytes of the snapshot, then the message. */
    sendSnapshot: effect<OrderParams<"sendSnapshot">>({ answers: ["snapshot.sent", "snapshot.notSent"] }),
    /** They are committed, and on the own disk. In order, each entry once. */
    applyEntries: effect<OrderParams<"applyEntries">>(),
    /** The proposal's entries have these places; whether they are committed is told by applyEntries. */
    acceptProposals: effect<OrderParams<"acceptProposals">>(),
    /** Nothing of it is written; `leader` may be asked, when it is known. */
    refuseProposals: effect<OrderParams<"refuseProposals">>(),
    /** May be answered as soon as `index` has been applied. */
    serveReads: effect<OrderParams<"serveReads">>(),
    refuseReads: effect<OrderParams<"refuseReads">>(),
    /** A draw from 0 up to the election timeout, so that no two members go on standing at the same time. */
    drawTimeout: effect<{ upToMs: number }>({ answers: ["timeout.drawn"], cancels: ["drawTimeout"] }),
    takeAgain: raise(({ event }) => event),
    adoptTerm: assign(({ event }) => adoptTerm(event as Message)),
    rememberDraw: assign((_, params: { ms: number }) => ({ drawnMs: params.ms })),
    rememberFailure: assign((_, params: { reason: string; message: string }) => params),
    ...raftActions,
  },
  guards: raftGuards,
  delays: {
    electionTimeout: ({ context }) => context.settings.electionTimeoutMs,
    /** Who has just lost sight of a leader has waited for an election timeout already. */
    electionWait: ({ context: { leader, settings, drawnMs } }) =>
      leader === "" ? settings.electionTimeoutMs + drawnMs : drawnMs,
    turn: ({ context }) => turnOf(context),
    heartbeat: ({ context }) => context.settings.heartbeatMs,
  },
}).createMachine({
  id: "raft",
  options: { maxIterations: 100 },
  context: ({ input }) => restarted(input),
  initial: "member",
  states: {
    member: {
      description: "Takes part in the replicated log.",
      initial: "follower",
      on: {
        "disk.failed": {
          target: "failed",
          actions: { type: "rememberFailure", params: ({ event: { reason, message } }) => ({ reason, message }) },
        },
        "entries.saved": { actions: "noteSaved" },
        "snapshot.installed": { actions: "noteSaved" },
        "snapshot.made": { guard: "isSnapshotUsable", actions: "forgetEntries" },
        "timeout.drawn": { actions: { type: "rememberDraw", params: ({ event }) => ({ ms: event.ms }) } },
        "proposal.made": { actions: "refuseProposal" },
        "change.proposed": { actions: "refuseChange" },
        "reads.wanted": { actions: "forwardReads" },
        "reads.answered": [ofNewerTerm, { guard: "isOfThisTerm", actions: "passReads" }],
        "reads.requested": ofNewerTerm,
        "preVote.requested": [{ guard: "mayPreVote", actions: "grantPreVote" }, { actions: "refusePreVote" }],
        "preVote.refused": ofNewerTerm,
        "vote.requested": [ofNewerTerm, { guard: "isOfThisTerm", actions: "refuseVote" }],
        "vote.granted": ofNewerTerm,
        "vote.refused": ofNewerTerm,
        "append.requested": [ofNewerTerm, { guard: "isOfOlderTerm", actions: "answerStale" }],
        "append.accepted": ofNewerTerm,
        "append.refused": ofNewerTerm,
        "heartbeat.sent": [ofNewerTerm, { guard: "isOfOlderTerm", actions: "answerStale" }],
        "heartbeat.answered": ofNewerTerm,
        "snapshot.offered": [ofNewerTerm, { guard: "isOfOlderTerm", actions: "answerStale" }],
        "candidacy.urged": ofNewerTerm,
      },
      states: {
        follower: {
          description: "Takes what the leader of its term sends.",
          initial: "leaderless",
          always: [{ guard: "isRemoved", target: "#raft.removed" }, { guard: "isNoVoter", target: "learner" }],
          on: {
            "append.requested": { guard: "isOfThisTerm", target: ".led", actions: "takeEntries" },
            "heartbeat.sent": { guard: "isOfThisTerm", target: ".led", actions: "takeHeartbeat" },
            "snapshot.offered": { guard: "isOfThisTerm", target: ".led", actions: "takeSnapshot" },
            "vote.requested": { guard: "mayVote", target: ".leaderless", actions: "grantVote" },
            "candidacy.urged": { guard: "isUrged", target: "candidate", actions: "noteTransfer" },
          },
          states: {
            leaderless: {
              description: "Has heard from no leader for an election timeout, and waits a drawn time before it asks " +
                "whether it would be elected. Votes for whoever asks first and lacks nothing.",
              after: {
                electionWait: [{ guard: "mayStand", target: "#raft.member.preCandidate" }, {
                  target: "leaderless",
                  reenter: true,
                }],
              },
            },
            led: {
              description: "Has heard from its leader within the election timeout. Helps nobody else to be elected.",
              on: {
                "vote.requested": stick,
                "preVote.requested": stick,
                "connection.lost": { guard: "isLeader", target: "bereft" },
              },
              after: { electionTimeout: "leaderless" },
            },
            bereft: {
              description: "The connection to its leader was reset: it is gone, most likely. Helps whoever asks, and " +
                "asks itself when it is its turn, so that no two stand at the same time.",
              after: {
                turn: [{ guard: "mayStand", target: "#raft.member.preCandidate" }, { target: "leaderless" }],
              },
            },
          },
        },
        preCandidate: {
          description:
            "Asks whether it would be elected, in a term that has not begun: who cannot win disturbs nobody.",
          entry: ["askPreVotes", {
            type: "drawTimeout",
            params: ({ context }) => ({ upToMs: context.settings.electionTimeoutMs }),
          }],
          always: [{ guard: "isElected", target: "candidate" }, { guard: "isRejected", target: "follower" }],
          on: {
            "preVote.granted": { guard: "isOfNextTerm", actions: "countGrant" },
            "preVote.refused": { guard: "isOfThisTerm", actions: "countRefusal" },
            "vote.requested": { guard: "mayVote", target: "follower", actions: "grantVote" },
            "append.requested": yieldToLeader,
            "heartbeat.sent": yieldToLeader,
            "snapshot.offered": yieldToLeader,
          },
          after: { electionWait: { target: "preCandidate", reenter: true } },
        },
        candidate: {
          description: "Has begun a term and voted for itself; waits for its disk and for the votes of a majority.",
          entry: ["stand", {
            type: "drawTimeout",
            params: ({ context }) => ({ upToMs: context.settings.electionTimeoutMs }),
          }],
          always: [{ guard: "isElected", target: "leader" }, { guard: "isRejected", target: "follower" }],
          on: {
            "entries.saved": { actions: "countOwnVote" },
            "vote.granted": { guard: "isOfThisTerm", actions: "countGrant" },
            "vote.refused": { guard: "isOfThisTerm", actions: "countRefusal" },
            "append.requested": yieldToLeader,
            "heartbeat.sent": yieldToLeader,
            "snapshot.offered": yieldToLeader,
          },
          after: { electionWait: [{ guard: "mayStand", target: "preCandidate" }, { target: "follower" }] },
        },
        leader: {
          description: "Takes proposals, sends them to everybody, and commits what a majority has on its disks.",
          type: "parallel",
          entry: "takeOffice",
          exit: "leaveOffice",
          always: { guard: "isRemoved", target: "#raft.removed" },
          on: {
            "proposal.made": { guard: "mayPropose", actions: "propose" },
            "change.proposed": { guard: "mayPropose", actions: "proposeChange" },
            "entries.saved": { actions: "noteOwnCopy" },
            "append.accepted": { guard: "isOfThisTerm", actions: "noteAccepted" },
            "append.refused": { guard: "isOfThisTerm", actions: "noteRefused" },
            "heartbeat.answered": { guard: "isOfThisTerm", actions: "noteHeartbeat" },
            "reads.wanted": { actions: "takeReads" },
            "reads.requested": { guard: "isOfThisTerm", actions: "takeForwardedReads" },
            "snapshot.sent": { actions: "noteSnapshotSent" },
            "snapshot.notSent": { actions: "noteSnapshotNotSent" },
            "connection.lost": { actions: "noteLostConnection" },
            "vote.requested": stick,
            "preVote.requested": stick,
          },
          states: {
            heartbeats: {
              description: "Lets everybody know that it leads.",
              initial: "resting",
              states: {
                resting: {
                  description: "Waits until the next heartbeat is due.",
                  after: { heartbeat: { target: "resting", reenter: true, actions: "sayHeartbeats" } },
                },
              },
            },
            majority: {
              description: "Makes sure that it still hears from a majority.",
              initial: "watching",
              states: {
                watching: {
                  description: "Goes back to following when no majority is heard from within an election timeout.",
                  after: {
                    electionTimeout: [
                      { guard: "hearsMajority", target: "watching", reenter: true, actions: "lookAgain" },
                      { target: "#raft.member.follower" },
                    ],
                  },
                },
              },
            },
            transfer: {
              description: "Whether it hands over to another member.",
              initial: "none",
              states: {
                none: {
                  description: "Is not asked to hand over.",
                  on: { "transfer.wanted": { guard: "isTransferable", target: "underWay", actions: "startTransfer" } },
                },
                underWay: {
                  description: "Takes no proposals until the other has the whole log and stands for election; gives " +
                    "up after an election timeout.",
                  after: { electionTimeout: { target: "none", actions: "endTransfer" } },
                },
              },
            },
          },
        },
        learner: {
          description: "Is sent the log and counts for nothing: it joins, or is no voter yet.",
          always: [{ guard: "isRemoved", target: "#raft.removed" }, { guard: "isVoter", target: "follower" }],
          on: {
            "append.requested": { guard: "isOfThisTerm", actions: "takeEntries" },
            "heartbeat.sent": { guard: "isOfThisTerm", actions: "takeHeartbeat" },
            "snapshot.offered": { guard: "isOfThisTerm", actions: "takeSnapshot" },
            // Others may know it to be a voter before it does (thesis 4.2.1).
            "vote.requested": { guard: "mayVote", actions: "grantVote" },
          },
        },
      },
    },
    removed: {
      description: "The others have removed it: the log goes on without it. Its directory can be deleted.",
    },
    failed: {
      description: "Its disk failed: it says nothing any more, so that nothing it has said is untrue.",
    },
  },
});
