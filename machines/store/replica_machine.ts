/**
 * The life of one member of a replicated store, around the chart of the log itself (machines/raft/): it opens its
 * directory, replays its log, mends the end that a crash has torn, takes part, makes snapshots, and stops: when it is
 * told to, when its disk fails, when the others have removed it, when it holds something else than they do.
 *
 * Neither writes nor reads come by here; the replicated log's chart orders them.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";
import type { Amount, TornTail } from "./store_member_machine.ts";

export type ReplicaEvent =
  | { type: "directory.opened" }
  | { type: "directory.refused"; reason: string; message: string }
  | { type: "log.replayed"; torn: TornTail | null; since: Amount; snapshotBytes: number }
  | { type: "log.refused"; reason: string; message: string }
  | { type: "tail.repaired" }
  | { type: "disk.failed"; reason: string; message: string }
  | { type: "member.started" }
  /** Everything that was committed before this life is applied, or others will tell what is. */
  | { type: "member.ready" }
  | { type: "member.failed"; reason: string; message: string }
  | { type: "member.removed" }
  | { type: "alarm.raised" }
  | { type: "alarm.cleared" }
  /** Entries applied since the last fact of this kind. */
  | { type: "entries.applied"; entries: number; bytes: number }
  /** A snapshot from another member is in place. */
  | { type: "snapshot.received"; bytes: number }
  | { type: "snapshot.saved"; bytes: number }
  | { type: "snapshot.failed"; reason: string; message: string }
  | { type: "files.removed" }
  | { type: "files.notRemoved"; reason: string; message: string }
  | { type: "storage.closeRequested" }
  | { type: "files.closed" };

export interface ReplicaInput {
  /** As of a single store: see StoreMemberInput. */
  readonly snapshotEvery: Amount;
}

type Failure = { readonly reason: string; readonly message: string };

type ReplicaContext = ReplicaInput & Failure & {
  readonly torn: TornTail | null;
  /** Applied since the last snapshot; each stops at what `snapshotEvery` says. */
  readonly since: Amount;
  /** Size of the last snapshot, up to `snapshotEvery.bytes`. */
  readonly snapshotBytes: number;
};

type Refused = { readonly code: "noSpace" | "unavailable" | "closed"; readonly message: string };

const failureOf = ({ event }: { event: Failure }): Failure => ({ reason: event.reason, message: event.message });
const failed = { target: "#replica.failed", actions: { type: "rememberFailure", params: failureOf } } as const;

export const replicaMachine = setup({
  types: { context: {} as ReplicaContext, events: {} as ReplicaEvent, input: {} as ReplicaInput },
  actions: {
    /** Makes the directory durable and locks it. */
    openDirectory: effect({ answers: ["directory.opened", "directory.refused"], fails: "directory.refused" }),
    /** Loads the newest good snapshot and reads every entry after it. Nothing on disk is changed but left-over drafts. */
    replayLog: effect({ answers: ["log.replayed", "log.refused"], fails: "log.refused" }),
    repairTail: effect<TornTail>({ answers: ["tail.repaired", "disk.failed"], fails: "disk.failed" }),
    /** Makes the log of a new directory, and starts the chart that speaks for this member. */
    startMember: effect({ answers: ["member.started", "disk.failed"], fails: "disk.failed" }),
    /** No message is sent or heard any more. */
    stopMember: effect(),
    announceServing: effect(),
    writeSnapshot: effect({ answers: ["snapshot.saved", "snapshot.failed"], fails: "snapshot.failed" }),
    /** Segments and snapshots that no restart needs, now that the newer snapshot is durable. */
    removeOldFiles: effect({ answers: ["files.removed", "files.notRemoved"], fails: "files.notRemoved" }),
    /** Answers whoever waits, and whoever comes, with this. */
    refuseRequests: effect<Refused>(),
    serveRequests: effect(),
    /** Waits until whatever was ordered before has come to its end, then closes what it has opened. */
    closeFiles: effect({
      answers: ["files.closed"],
      fails: "files.closed",
      cancels: ["openDirectory", "replayLog", "repairTail", "startMember", "writeSnapshot", "removeOldFiles"],
    }),
    rememberLog: assign((_, params: Pick<ReplicaContext, "torn" | "since" | "snapshotBytes">) => params),
    countApplied: assign(({ context }, params: Amount) => ({
      since: {
        entries: Math.min(context.snapshotEvery.entries, context.since.entries + params.entries),
        bytes: Math.min(context.snapshotEvery.bytes, context.since.bytes + params.bytes),
      },
    })),
    startCounting: assign({ since: { entries: 0, bytes: 0 } }),
    rememberSnapshot: assign(({ context }, params: { bytes: number }) => ({
      snapshotBytes: Math.min(context.snapshotEvery.bytes, params.bytes),
    })),
    rememberFailure: assign((_, params: Failure) => params),
  },
  guards: {
    isTorn: (_, params: { torn: TornTail | null }) => params.torn !== null,
    isSnapshotDue: ({ context: { since, snapshotEvery, snapshotBytes } }) =>
      since.entries >= snapshotEvery.entries && since.bytes >= Math.min(snapshotEvery.bytes, snapshotBytes),
  },
  delays: { snapshotRetry: 30_000 },
}).createMachine({
  id: "replica",
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    torn: null,
    since: { entries: 0, bytes: 0 },
    snapshotBytes: 0,
    reason: "",
    message: "",
  }),
  initial: "opening",
  states: {
    opening: {
      description: "Makes its directory and locks it, so that no other process writes there.",
      entry: { type: "openDirectory", params: {} },
      on: { "directory.opened": "replaying", "directory.refused": failed, "storage.closeRequested": "closing" },
    },
    replaying: {
      description: "Loads the last snapshot and reads the log after it.",
      entry: { type: "replayLog", params: {} },
      on: {
        "log.replayed": [
          {
            guard: { type: "isTorn", params: ({ event }) => ({ torn: event.torn }) },
            target: "repairing",
            actions: { type: "rememberLog", params: ({ event: { type: _, ...log } }) => log },
          },
          { target: "starting", actions: { type: "rememberLog", params: ({ event: { type: _, ...log } }) => log } },
        ],
        "log.refused": failed,
        "storage.closeRequested": "closing",
      },
    },
    repairing: {
      description: "Cuts off the end of the log that a crash left unfinished; nothing in it was ever answered.",
      entry: { type: "repairTail", params: ({ context }) => context.torn ?? { file: "", size: 0 } },
      on: { "tail.repaired": "starting", "disk.failed": failed, "storage.closeRequested": "closing" },
    },
    starting: {
      description: "Makes its log if it has none, and starts to take part in it.",
      entry: { type: "startMember", params: {} },
      on: {
        "member.started": "running",
        "disk.failed": failed,
        // The log's chart may be quicker than the answer.
        "member.failed": failed,
        "member.removed": "removed",
        "storage.closeRequested": "closing",
      },
    },
    running: {
      description: "Takes part in the replicated log.",
      type: "parallel",
      on: {
        "member.failed": failed,
        "member.removed": "removed",
        "storage.closeRequested": "closing",
      },
      states: {
        requests: {
          description: "What becomes of reads and writes.",
          initial: "catchingUp",
          states: {
            catchingUp: {
              description: "Takes no requests yet: what was committed before this life is not known, or not applied.",
              on: { "member.ready": "served", "alarm.raised": "refused" },
            },
            served: {
              description: "Reads are answered from memory, writes once a majority has them on its disks.",
              entry: [{ type: "serveRequests", params: {} }, { type: "announceServing", params: {} }],
              on: { "alarm.raised": "refused" },
            },
            refused: {
              description: "An alarm says that this member holds something else than the others: it answers nothing " +
                "until the alarm is cleared.",
              // It is open, so that its alarm can be seen and cleared.
              entry: [{ type: "announceServing", params: {} }, {
                type: "refuseRequests",
                params: {
                  code: "unavailable",
                  message: "The store of this member is corrupt: it differs from the others'",
                },
              }],
              on: { "alarm.cleared": "served" },
            },
          },
        },
        snapshots: {
          description: "Snapshots of the whole store, so that a restart is quick and the log does not grow for ever.",
          initial: "resting",
          on: {
            "entries.applied": { actions: { type: "countApplied", params: ({ event }) => event } },
            "snapshot.received": {
              actions: ["startCounting", { type: "rememberSnapshot", params: ({ event }) => event }],
            },
          },
          states: {
            resting: {
              description: "Waits until enough has been applied since the last snapshot.",
              always: { guard: "isSnapshotDue", target: "saving" },
            },
            saving: {
              description: "Writes a snapshot, piece by piece, while writes go on.",
              entry: ["startCounting", { type: "writeSnapshot", params: {} }],
              on: {
                "snapshot.saved": {
                  target: "removing",
                  actions: { type: "rememberSnapshot", params: ({ event }) => event },
                },
                "snapshot.failed": { target: "postponed", actions: { type: "rememberFailure", params: failureOf } },
              },
            },
            removing: {
              description: "The snapshot is durable: removes the log and the snapshots that it replaces.",
              entry: { type: "removeOldFiles", params: {} },
              on: {
                "files.removed": "resting",
                "files.notRemoved": { target: "resting", actions: { type: "rememberFailure", params: failureOf } },
              },
            },
            postponed: {
              description: "A snapshot could not be written. The log holds everything; tries again in 30 seconds.",
              after: { snapshotRetry: "saving" },
            },
          },
        },
      },
    },
    removed: {
      description: "The others have removed it: it is no member any more, and its directory can be deleted.",
      entry: [{ type: "stopMember", params: {} }, {
        type: "refuseRequests",
        params: { code: "unavailable", message: "This member was removed from the store" },
      }],
      on: { "storage.closeRequested": "closing" },
    },
    failed: {
      description: "Its disk or its log refused: it says nothing any more, so that nothing it has said is untrue.",
      entry: [{ type: "stopMember", params: {} }, {
        type: "refuseRequests",
        params: ({ context: { reason, message } }) => ({
          code: reason === "noSpace" ? "noSpace" as const : "unavailable" as const,
          message,
        }),
      }],
      on: { "storage.closeRequested": "closing" },
    },
    closing: {
      description: "Closes its files and lets go of the lock.",
      entry: [
        { type: "refuseRequests", params: { code: "closed", message: "The store is closed" } },
        { type: "stopMember", params: {} },
        { type: "closeFiles", params: {} },
      ],
      on: { "files.closed": "closed" },
    },
    closed: { description: "Nothing is open any more.", type: "final" },
  },
});
