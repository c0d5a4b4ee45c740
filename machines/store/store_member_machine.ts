/**
 * The life of one member of the store: it opens its directory, replays its log, mends the end that a crash has torn,
 * takes office, and serves until it is closed or its disk fails.
 *
 * Proposals do not come by here one by one. They wait in the actor's queue; the machine hears that some wait, orders
 * one batch, and hears that it is on the disk. Everything proposed meanwhile is the next batch. Applying entries,
 * reading and watching are plain functions beside it.
 */
import { assign, setup } from "xstate";
import { effect } from "../effect.ts";

export type StoreMemberEvent =
  | { type: "directory.opened" }
  | { type: "directory.refused"; reason: string; message: string }
  | { type: "log.replayed"; term: number; torn: TornTail | null; since: Amount; snapshotBytes: number }
  | { type: "log.refused"; reason: string; message: string }
  | { type: "tail.repaired" }
  | { type: "office.taken" }
  | { type: "proposals.waiting" }
  | { type: "batch.synced"; entries: number; bytes: number; more: boolean }
  | { type: "disk.failed"; reason: string; message: string }
  | { type: "snapshot.saved"; bytes: number }
  | { type: "snapshot.failed"; reason: string; message: string }
  | { type: "files.removed" }
  | { type: "files.notRemoved"; reason: string; message: string }
  | { type: "storage.closeRequested" }
  | { type: "files.closed" };

/** A file whose end was never finished, and how much of it is good. */
export type TornTail = { readonly file: string; readonly size: number };
/** Of log: how much a restart has to replay. */
export type Amount = { readonly entries: number; readonly bytes: number };

export interface StoreMemberInput {
  /**
   * A snapshot is made after so many entries, but not before the log since the last one has grown to that one's size:
   * a large store would do nothing else. `bytes` bounds that, and with it the time a restart takes.
   */
  readonly snapshotEvery: Amount;
}

type StoreMemberContext = StoreMemberInput & {
  /** The last term in the log; this life's term is one more. */
  readonly term: number;
  readonly torn: TornTail | null;
  /** Written since the last snapshot; each stops at what `snapshotEvery` says. */
  readonly since: Amount;
  /** Size of the last snapshot, up to `snapshotEvery.bytes`. */
  readonly snapshotBytes: number;
  /** Proposals were announced while a batch was under way: whether it took them along is not known. */
  readonly announced: boolean;
  /** Why it failed or why a snapshot did; for people. */
  readonly reason: string;
  readonly message: string;
};

type Failure = { reason: string; message: string };

const failureOf = ({ event }: { event: Failure }): Failure => ({ reason: event.reason, message: event.message });

export const storeMemberMachine = setup({
  types: {
    context: {} as StoreMemberContext,
    events: {} as StoreMemberEvent,
    input: {} as StoreMemberInput,
  },
  actions: {
    /** Makes the directory durable and locks it. */
    openDirectory: effect({
      answers: ["directory.opened", "directory.refused"],
      fails: "directory.refused",
    }),
    /** Loads the newest good snapshot and reads every entry after it. Nothing on disk is changed but left-over drafts. */
    replayLog: effect({ answers: ["log.replayed", "log.refused"], fails: "log.refused" }),
    repairTail: effect<TornTail>({ answers: ["tail.repaired", "disk.failed"], fails: "disk.failed" }),
    /** Writes the vote for itself and the first entry of its term; that commits, and applies, all that was replayed. */
    takeOffice: effect<{ term: number }>({ answers: ["office.taken", "disk.failed"], fails: "disk.failed" }),
    announceServing: effect(),
    /** One append and one sync; then applies, answers and tells watchers. */
    writeBatch: effect({ answers: ["batch.synced", "disk.failed"], fails: "disk.failed" }),
    writeSnapshot: effect({ answers: ["snapshot.saved", "snapshot.failed"], fails: "snapshot.failed" }),
    /** Segments and snapshots that no restart needs, now that the newer snapshot is durable. */
    removeOldFiles: effect({ answers: ["files.removed", "files.notRemoved"], fails: "files.notRemoved" }),
    /** Answers whoever waits, and whoever comes, with this. Nothing that was not answered is known to be written. */
    refuseRequests: effect<{ code: "noSpace" | "unavailable" | "closed"; message: string }>({
      answers: [],
      cancels: ["writeSnapshot", "removeOldFiles"],
    }),
    /** Waits until whatever was ordered before has come to its end, then closes what it has opened. */
    closeFiles: effect({
      answers: ["files.closed"],
      fails: "files.closed",
      cancels: ["openDirectory", "replayLog", "repairTail", "takeOffice"],
    }),
    rememberLog: assign((_, params: Pick<StoreMemberContext, "term" | "torn" | "since" | "snapshotBytes">) => params),
    countBatch: assign(({ context }, params: Amount) => ({
      since: {
        entries: Math.min(context.snapshotEvery.entries, context.since.entries + params.entries),
        bytes: Math.min(context.snapshotEvery.bytes, context.since.bytes + params.bytes),
      },
    })),
    startCounting: assign({ since: { entries: 0, bytes: 0 } }),
    rememberSnapshot: assign(({ context }, params: { bytes: number }) => ({
      snapshotBytes: Math.min(context.snapshotEvery.bytes, params.bytes),
    })),
    noteAnnouncement: assign({ announced: true }),
    forgetAnnouncement: assign({ announced: false }),
    rememberFailure: assign((_, params: Failure) => params),
  },
  guards: {
    isTorn: (_, params: { torn: TornTail | null }) => params.torn !== null,
    hasMore: ({ context }, params: { more: boolean }) => params.more || context.announced,
    isSnapshotDue: ({ context: { since, snapshotEvery, snapshotBytes } }) =>
      since.entries >= snapshotEvery.entries && since.bytes >= Math.min(snapshotEvery.bytes, snapshotBytes),
  },
  delays: { snapshotRetry: 30_000 },
}).createMachine({
  id: "storeMember",
  options: { maxIterations: 100 },
  context: ({ input }) => ({
    ...input,
    term: 0,
    torn: null,
    since: { entries: 0, bytes: 0 },
    snapshotBytes: 0,
    announced: false,
    reason: "",
    message: "",
  }),
  initial: "opening",
  states: {
    opening: {
      description: "Makes its directory and locks it, so that no other process writes there.",
      entry: { type: "openDirectory", params: {} },
      on: {
        "directory.opened": "replaying",
        "directory.refused": { target: "failed", actions: { type: "rememberFailure", params: failureOf } },
        "storage.closeRequested": "closing",
      },
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
          { target: "takingOffice", actions: { type: "rememberLog", params: ({ event: { type: _, ...log } }) => log } },
        ],
        "log.refused": { target: "failed", actions: { type: "rememberFailure", params: failureOf } },
        "storage.closeRequested": "closing",
      },
    },
    repairing: {
      description: "Cuts off the end of the log that a crash left unfinished; nothing in it was ever answered.",
      entry: { type: "repairTail", params: ({ context }) => context.torn ?? { file: "", size: 0 } },
      on: {
        "tail.repaired": "takingOffice",
        "disk.failed": { target: "failed", actions: { type: "rememberFailure", params: failureOf } },
        "storage.closeRequested": "closing",
      },
    },
    takingOffice: {
      description: "Writes its vote for itself, the only voter, and the first entry of its term; waits for the disk.",
      entry: { type: "takeOffice", params: ({ context }) => ({ term: context.term + 1 }) },
      on: {
        "office.taken": "serving",
        "disk.failed": { target: "failed", actions: { type: "rememberFailure", params: failureOf } },
        "storage.closeRequested": "closing",
      },
    },
    serving: {
      description: "Answers reads from memory, and writes once they are on the disk.",
      entry: { type: "announceServing", params: {} },
      type: "parallel",
      on: { "disk.failed": { target: "failed", actions: { type: "rememberFailure", params: failureOf } } },
      states: {
        writing: {
          description: "The log: one batch at a time.",
          initial: "idle",
          states: {
            idle: {
              description: "Waits for something to write.",
              on: { "proposals.waiting": "syncing", "storage.closeRequested": "#storeMember.closing" },
            },
            syncing: {
              description: "Waits for the disk to have the batch. What is proposed meanwhile is the next one.",
              entry: ["forgetAnnouncement", { type: "writeBatch", params: {} }],
              on: {
                "proposals.waiting": { actions: "noteAnnouncement" },
                "batch.synced": [
                  {
                    guard: { type: "hasMore", params: ({ event }) => ({ more: event.more }) },
                    target: "syncing",
                    reenter: true,
                    actions: { type: "countBatch", params: ({ event }) => event },
                  },
                  { target: "idle", actions: { type: "countBatch", params: ({ event }) => event } },
                ],
                "storage.closeRequested": "#storeMember.draining",
              },
            },
          },
        },
        snapshots: {
          description: "Snapshots of the whole store, so that a restart is quick and the log does not grow for ever.",
          initial: "resting",
          states: {
            resting: {
              description: "Waits until enough has been written since the last snapshot.",
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
                "snapshot.failed": {
                  target: "postponed",
                  actions: { type: "rememberFailure", params: failureOf },
                },
              },
            },
            removing: {
              description: "The snapshot is durable: removes the log and the snapshots that it replaces.",
              entry: { type: "removeOldFiles", params: {} },
              on: {
                "files.removed": "resting",
                "files.notRemoved": {
                  target: "resting",
                  actions: { type: "rememberFailure", params: failureOf },
                },
              },
            },
            postponed: {
              description:
                "A snapshot could not be written. The log still holds everything; tries again in 30 seconds.",
              after: { snapshotRetry: "saving" },
            },
          },
        },
      },
    },
    draining: {
      description: "Takes no more requests and waits for the batch that is under way.",
      entry: { type: "refuseRequests", params: { code: "closed", message: "The store is closed" } },
      on: { "batch.synced": "closing", "disk.failed": "closing" },
    },
    closing: {
      description: "Closes its files and lets go of the lock.",
      entry: [
        { type: "refuseRequests", params: { code: "closed", message: "The store is closed" } },
        { type: "closeFiles", params: {} },
      ],
      on: { "files.closed": "closed" },
    },
    failed: {
      description: "Its disk or its log refused: it writes nothing any more, so that nothing it has answered is lost.",
      entry: {
        type: "refuseRequests",
        params: ({ context: { reason, message } }) => ({
          code: reason === "noSpace" ? "noSpace" as const : "unavailable" as const,
          message,
        }),
      },
      on: { "storage.closeRequested": "closing" },
    },
    closed: { description: "Nothing is open any more.", type: "final" },
  },
});
