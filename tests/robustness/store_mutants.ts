/** The store with one thing broken at a time, from outside: each must be found by what its clients see. */
import { Leases } from "../../actors/store/replica/leases.ts";
import type { ReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { Reads } from "../../actors/store/replica/reads.ts";
import { Replica } from "../../actors/store/replica/replica.ts";
import { SnapshotTransfers } from "../../actors/store/replica/snapshot_transfers.ts";
import { Writes } from "../../actors/store/replica/writes.ts";
import { LogWriter } from "../../actors/store/log_writer.ts";
import { raftMachine } from "../../machines/raft/raft_machine.ts";
import { KeyHistory } from "../../machines/store/key_history.ts";
import { KeyValueState } from "../../machines/store/key_value_state.ts";
import { Lessor } from "../../machines/store/lessor.ts";
import { RangeIndex } from "../../machines/store/range_index.ts";
import type { Disk, DiskFile } from "../../ports/disk.ts";
import {
  type RangeRequest,
  StorageError,
  type StorageEvent,
  type TxnRequest,
  type WatchSink,
} from "../../ports/storage.ts";
import { mutants as raftMutants } from "../models/raft_mutants.ts";
import type { Accident } from "./nemesis.ts";
import type { Access } from "./recorder.ts";
import type { Seams } from "./simulated/simulated_world.ts";
import type { WorkloadOptions } from "./workload.ts";

export interface StoreMutant {
  readonly name: string;
  readonly accidents: readonly Accident[];
  /** A rule that it breaks, as it is told. */
  readonly found: RegExp;
  readonly seams?: Seams;
  /** Breaks what all members share; returns how to mend it. */
  readonly plant?: () => () => void;
  readonly workload?: Partial<WorkloadOptions>;
  /** 4, unless more is needed. */
  readonly seconds?: number;
}

// deno-lint-ignore no-explicit-any
type Any = any;

/** Puts another method in the place of one of a class. */
function patch(target: { prototype: Any }, name: string, make: (original: Any) => Any): () => void {
  const original = target.prototype[name];
  target.prototype[name] = make(original);
  return () => void (target.prototype[name] = original);
}

/** The rules of a mutant of the log's chart, in the chart that runs. */
function plantInChart(name: string): () => () => void {
  return () => {
    const mutant = raftMutants.find((each) => each.name === name)?.machine;
    if (mutant === undefined) throw new Error(`Cannot plant "${name}": there is no such mutant of the chart`);
    const [shipped, broken] = [raftMachine, mutant].map(({ implementations }) => implementations as Any) as [Any, Any];
    const before = { actions: { ...shipped.actions }, guards: { ...shipped.guards } };
    for (const kind of ["actions", "guards"] as const) Object.assign(shipped[kind], broken[kind]);
    return () => {
      for (const kind of ["actions", "guards"] as const) Object.assign(shipped[kind], before[kind]);
    };
  };
}

/** The storage with some of what clients ask done otherwise. */
const asking = (change: (access: Access, storage: ReplicatedStorage) => Partial<Access>): Seams => ({
  access: (_, storage) => {
    const access: Access = {
      range: (request) => storage.range(request),
      txn: (request) => storage.txn(request),
      watch: (request, sink) => storage.watch(request, sink),
      compact: (revision) => storage.compact(revision),
      grantLease: (request) => storage.grantLease(request),
      keepLeaseAlive: (id) => storage.keepLeaseAlive(id),
    };
    return { ...access, ...change(access, storage) };
  },
});

/** Watches with what they tell changed on its way. */
const telling = (change: (sink: WatchSink) => Partial<WatchSink>): Seams =>
  asking((access) => ({
    watch: (request, sink) =>
      access.watch(request, {
        events: (batch, revision) => sink.events(batch, revision),
        progress: (revision) => sink.progress(revision),
        closed: (error) => sink.closed(error),
        ...change(sink),
      }),
  }));

/** Every so often. */
const everyNth = (count: number) => {
  let calls = 0;
  return () => ++calls % count === 0;
};

const isNotKnown = (error: unknown) => error instanceof StorageError && /not known/.test(error.message);

function withoutSync(disk: Disk): Disk {
  return new Proxy(disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (name !== "open") return value.bind(target);
      return async (...args: Parameters<Disk["open"]>): Promise<DiskFile> => {
        const file = await target.open(...args);
        return {
          size: () => file.size(),
          append: (bytes) => file.append(bytes),
          sync: () => Promise.resolve(),
          truncate: (size) => file.truncate(size),
          close: () => file.close(),
        };
      };
    },
  });
}

const lost = /no acknowledged write is lost|was answered with it, but it is|Cannot open the store/;
const strict = /operations take effect between call and answer|linearizable/;
const oneWrite = /a revision is one write that was asked for/;
const truth = /what is read is what was there/;

export const storeMutants: readonly StoreMutant[] = [
  {
    name: "nothing is synced to the disk",
    accidents: ["everybody"],
    found: lost,
    seams: { disk: (_, disk) => withoutSync(disk) },
  },
  {
    name: "a leader commits without a majority",
    accidents: ["partition", "kill"],
    found: /no acknowledged write is lost|one history|a revision is one write|Cannot read from|hold different/,
    plant: plantInChart("a leader commits without a majority"),
  },
  {
    name: "a read is served without asking a majority",
    accidents: ["partition", "pause"],
    found: strict,
    plant: () => patch(Reads, "barrier", () => () => Promise.resolve()),
  },
  {
    name: "a follower serves before it has applied",
    accidents: ["noise"],
    found: strict,
    plant: () =>
      patch(Reads, "serve", (original) =>
        function (this: Reads, ids: readonly number[]) {
          original.call(this, ids, 0);
        }),
  },
  {
    name: "a torn tail is not cut off",
    accidents: ["powerLoss", "everybody"],
    seconds: 8,
    seams: { slowestDiskMs: 40 },
    found: /Cannot open the store/,
    plant: () => patch(LogWriter, "repair", () => () => Promise.resolve()),
  },
  {
    name: "a snapshot says that it has an entry more than it has",
    accidents: ["everybody"],
    found:
      /no acknowledged write is lost|a revision is one write|records go on|one history|Cannot read from|hold different/,
    plant: () =>
      patch(Replica, "snapshotHeader", (original) =>
        function (this: Replica) {
          const header = original.call(this);
          return { ...header, index: header.index + 1 };
        }),
  },
  {
    name: "a snapshot of another member lacks what it was sent for",
    accidents: ["replace"],
    found: /hold different|one history|records go on|what is read|Cannot read from/,
    plant: () =>
      patch(SnapshotTransfers, "take", (original) =>
        function (this: SnapshotTransfers, position: unknown) {
          const received = original.call(this, position);
          const { state } = received;
          const [last] = state.range({ key: "/", end: "0" }).kvs;
          if (last !== undefined) {
            state.apply({ type: "txn", compare: [], success: [{ type: "delete", key: last.key }], failure: [] });
          }
          return received;
        }),
  },
  {
    name: "one member forgets a delete",
    accidents: [],
    found: /hold different|one history|records go on|what is read|corrupt/,
    plant: () => {
      const isTime = everyNth(40);
      return patch(
        KeyValueState,
        "delete",
        (original) =>
          function (this: KeyValueState, live: { key: string; value: Uint8Array; lease: number }) {
            if (isTime()) this.put(live.key, live.value, live.lease);
            else original.call(this, live);
          },
      );
    },
  },
  {
    name: "a compaction drops a live key",
    accidents: [],
    found: /what is read is what was there|linearizable|records go on/,
    workload: { keptRevisions: 5 },
    plant: () =>
      patch(KeyHistory, "compact", (original) =>
        function (this: KeyHistory, revision: number) {
          return original.call(this, revision) && (this.live?.version ?? 2) > 1;
        }),
  },
  {
    name: "a batch of another member that comes twice is written twice",
    accidents: ["noise"],
    found: oneWrite,
    plant: () => {
      let origin = 0;
      return patch(
        Writes,
        "takeForwarded",
        (original) =>
          function (this: Writes, from: string, head: object, payloads: unknown) {
            return original.call(this, from, { ...head, origin: ++origin }, payloads);
          },
      );
    },
  },
  {
    name: "a lease runs out early",
    accidents: [],
    found: /leases live out their time/,
    plant: () =>
      patch(Lessor, "renew", (original) =>
        function (this: Lessor, id: number, seconds: number, now: number) {
          original.call(this, id, seconds / 3, now);
        }),
  },
  {
    name: "keeping a lease alive does not",
    accidents: [],
    found: /leases live out their time/,
    seconds: 8,
    workload: { clients: 12, leaseSeconds: 2 },
    plant: () =>
      patch(Leases, "renew", () =>
        function (this: Leases, id: number) {
          return this.replica.loaded.state.leases.get(id)?.ttlSeconds;
        }),
  },
  {
    name: "a watch loses an event now and then",
    accidents: [],
    found: /watches are reliable/,
    seams: telling((sink) => {
      const isTime = everyNth(15);
      return { events: (batch, revision) => void (isTime() || sink.events(batch, revision)) };
    }),
  },
  {
    name: "a watch tells an event twice",
    accidents: [],
    found: /watches are unique/,
    plant: () => {
      const isTime = everyNth(50);
      return patch(
        RangeIndex,
        "matches",
        (original) =>
          function (this: unknown, key: string, visit: (watcher: unknown) => void) {
            original.call(this, key, (watcher: unknown) => {
              visit(watcher);
              if (isTime()) visit(watcher);
            });
          },
      );
    },
  },
  {
    name: "a watch goes back in time when it is resumed",
    accidents: ["kill"],
    found: /watches are resumable/,
    seams: asking((access) => ({
      watch: ({ startRevision = 0, ...request }, sink) =>
        access.watch({ ...request, startRevision: Math.max(1, startRevision - 2) }, sink),
    })),
  },
  {
    name: "a watch tells a revision in two parts",
    accidents: [],
    found: /watches are atomic/,
    seams: telling((sink) => ({
      events: (batch, revision) => {
        for (const event of batch) sink.events([event], revision);
      },
    })),
  },
  {
    name: "a watch tells later events first",
    accidents: [],
    found: /watches are (ordered|atomic)/,
    seams: telling((sink) => {
      let held: [readonly StorageEvent[], number] | undefined;
      const isTime = everyNth(6);
      return {
        events: (batch, revision) => {
          if (held === undefined && isTime()) return void (held = [batch, revision]);
          sink.events(batch, revision);
          if (held !== undefined) sink.events(...held);
          held = undefined;
        },
      };
    }),
  },
  {
    name: "a watch tells of keys that it was not to watch",
    accidents: [],
    found: /watches are filtered/,
    seams: asking((access) => ({
      watch: (request, sink) => access.watch({ ...request, key: "/registry/", end: "/registry0" }, sink),
    })),
  },
  {
    name: "progress is told before the events that it stands for",
    accidents: [],
    found: /watches are (bookmarkable|reliable)/,
    seams: telling((sink) => ({ progress: (revision) => sink.progress(revision + 2) })),
  },
  {
    name: "what was before an event is what was before that",
    accidents: [],
    found: /watches are right about what was before/,
    plant: () =>
      patch(KeyValueState, "before", (original) =>
        function (this: KeyValueState, record: unknown) {
          const before = original.call(this, record);
          return before === undefined ? undefined : original.call(this, before) ?? before;
        }),
  },
  {
    name: "a guard is not looked at",
    accidents: [],
    found: truth,
    seams: asking((access) => ({ txn: (request) => access.txn({ ...request, compare: [] }) })),
  },
  {
    name: "the revision of an answer goes back by one",
    accidents: [],
    found: oneWrite,
    seams: asking((access) => {
      const isTime = everyNth(20);
      return {
        txn: async (request: TxnRequest) => {
          const result = await access.txn(request);
          return isTime() ? { ...result, revision: result.revision - 1 } : result;
        },
      };
    }),
  },
  {
    name: "a stale read mixes what it had kept with a new revision",
    accidents: [],
    found: truth,
    seams: asking((access) => {
      const kept = new Map<string, Awaited<ReturnType<Access["range"]>>["kvs"]>();
      return {
        range: async (request: RangeRequest) => {
          const result = await access.range(request);
          if (!request.serializable) return result;
          const before = kept.get(request.key);
          kept.set(request.key, result.kvs);
          return before === undefined ? result : { ...result, kvs: before };
        },
      };
    }),
  },
  {
    name: "a list is put together from two moments",
    accidents: ["noise"],
    found: truth,
    workload: { clients: 14, pauseMs: 10 },
    seams: asking((access) => ({
      range: async (request: RangeRequest) => {
        const first = await access.range(request);
        if (request.end === undefined || first.kvs.length < 2) return first;
        const half = first.kvs[first.kvs.length >> 1]!.key;
        const second = await access.range({ ...request, key: half });
        return { ...second, kvs: [...first.kvs.filter(({ key }) => key < half), ...second.kvs] };
      },
    })),
  },
  {
    name: "a write whose answer is not known is tried again",
    accidents: ["partition", "kill"],
    found: oneWrite,
    workload: { clients: 14, pauseMs: 10 },
    seams: asking((access) => ({
      txn: (request: TxnRequest) =>
        access.txn(request).then((result) => {
          // The answer of every one in a few is lost on its way to whoever tries again.
          return request.compare.length === 0 && result.revision % 7 === 0 ? access.txn(request) : result;
        }),
    })),
  },
  {
    name: "a write whose answer is not known is said not to be made",
    accidents: ["everybody", "kill"],
    found: oneWrite,
    workload: { clients: 10, pauseMs: 10 },
    seams: asking((access) => ({
      txn: (request: TxnRequest) =>
        access.txn(request).catch((error) => {
          throw isNotKnown(error) ? new StorageError("unavailable", "Cannot write: nobody answers") : error;
        }),
    })),
  },
];
