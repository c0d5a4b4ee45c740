/** How the orders of a replica's life are carried out: a table from order to disk and to the log's chart. */
import type { Identity } from "../../../machines/raft/entry.ts";
import type { RaftInput } from "../../../machines/raft/raft_member.ts";
import { membersOf } from "../../../machines/raft/membership.ts";
import { rosterOf } from "../../../machines/raft/roster.ts";
import { logEntryOf } from "../../../machines/store/peer_message.ts";
import { type ReplicaEvent, replicaMachine } from "../../../machines/store/replica_machine.ts";
import {
  type ActorKind,
  actorKind,
  type ActorSystem,
  type Address,
  address,
  type OrderContext,
  partsOf,
} from "../../system.ts";
import { lockName } from "../file_names.ts";
import { LogWriter } from "../log_writer.ts";
import { readLog, type StoredLog } from "../read_log.ts";
import { SnapshotFiles } from "../snapshot_files.ts";
import { WatchHub } from "../watch_hub.ts";
import { founding } from "./founding.ts";
import { carryPayload } from "./payloads.ts";
import { raftKind } from "./raft_orders.ts";
import type { Replica } from "./replica.ts";
import { encodeMembers } from "./roster_log.ts";

type Perform<Params, Fact> = (params: Params, order: OrderContext<ReplicaEvent>) => Promise<Fact>;

/** The kind of actor that runs this one member's life. */
export function replicaKind(replica: Replica, system: ActorSystem): ActorKind<typeof replicaMachine> {
  const { disk, directory, clock } = replica.options;
  const tracked = <Params, Fact>(perform: Perform<Params, Fact>): Perform<Params, Fact> => (params, order) =>
    replica.track(perform(params, order));
  return actorKind("store", replicaMachine, {
    openDirectory: tracked(async () => {
      await disk.makeDirectory(directory);
      await disk.syncDirectory(parentOf(directory));
      replica.lock = await disk.lock(`${directory}/${lockName}`);
      return { type: "directory.opened" };
    }),
    replayLog: tracked(async () => {
      const stored = await readLog(disk, directory, clock);
      load(replica, stored);
      const { last, applied, torn, logBytes, snapshots } = stored;
      return {
        type: "log.replayed",
        torn,
        since: { entries: last.index - applied.index, bytes: logBytes },
        snapshotBytes: snapshots.at(-1)?.bytes ?? 0,
      };
    }),
    repairTail: tracked(async ({ file, size }) => {
      await replica.loaded.log.repair(file, size);
      return { type: "tail.repaired" };
    }),
    startMember: tracked(async (_, { self, signal }) => {
      const input = await openLog(replica);
      signal.throwIfAborted();
      startMember(replica, system, self, input);
      return { type: "member.started" };
    }),
    stopMember: async () => {
      if (replica.raft !== undefined) system.stop(replica.raft.id);
      replica.applier.stop();
      for (const end of replica.endings) end();
      await replica.link.close();
    },
    serveRequests: () => replica.serve(),
    announceServing: () => replica.opened.resolve(),
    writeSnapshot: tracked(async (_, order) => {
      const { state, log, snapshots } = replica.loaded;
      const { applied, roster } = replica;
      const header = replica.snapshotHeader();
      log.wantRoll();
      const bytes = await snapshots.write(state, header, order.signal);
      replica.raft?.send({ type: "snapshot.made", index: applied.index });
      roster.forgetBefore(applied.index);
      return { type: "snapshot.saved", bytes };
    }),
    removeOldFiles: tracked(async () => {
      const { log, snapshots } = replica.loaded;
      await replica.disk.run(async () => {
        await snapshots.removeOld();
        await log.removeUpTo(snapshots.replaces);
      });
      return { type: "files.removed" };
    }),
    refuseRequests: ({ code, message }) => replica.refuse({ code, message }),
    closeFiles: async () => {
      await replica.settled();
      await replica.release();
      replica.closed.resolve();
      return { type: "files.closed" };
    },
  }, { urgent: true });
}

function load(replica: Replica, stored: StoredLog): void {
  const { disk, directory, clock, segmentBytes } = replica.options;
  const identity: Identity = stored.identity ?? founding(replica.options).identity;
  replica.load({
    identity,
    stored,
    state: stored.state,
    log: new LogWriter(disk, directory, identity, segmentBytes, stored),
    snapshots: new SnapshotFiles(disk, directory, clock, stored.snapshots),
    hub: new WatchHub(stored.state, clock),
  });
}

/** The term of the first entry of a log; the first election is for the next one. */
const foundingTerm = 1;

/** Makes the log of a directory that is new. @returns what the log's chart is started with. */
async function openLog(replica: Replica): Promise<RaftInput> {
  const { options, loaded: { log, stored, identity } } = replica;
  const { random, raft: settings } = options;
  const base = { ...stored.applied, configuration: stored.base.configuration };
  const entries = stored.entries.map(({ index, term, type, payload }) => {
    const entry = logEntryOf(index, term, type, payload);
    carryPayload(entry, payload);
    return entry;
  });
  let { hardState } = stored;
  if (stored.identity === undefined) {
    const { configuration, records } = founding(options, identity);
    if (membersOf(configuration).length > 0) {
      const payload = encodeMembers(configuration, records);
      hardState = { term: foundingTerm, vote: "", commit: 1 };
      log.hardState = hardState;
      await log.open({ term: foundingTerm, configuration: payload });
      const entry = logEntryOf(1, foundingTerm, "configuration", payload);
      carryPayload(entry, payload);
      entries.push(entry);
    } else await log.open();
  } else if (stored.mustBeginAnew) await log.beginAnew(stored.applied, hardState);
  else await log.open();
  replica.roster.begin(stored.applied.index, rosterOf(stored.base.configuration, stored.base.roster));
  replica.roster.note(entries);
  const drawnMs = Math.floor(random.next() * settings.electionTimeoutMs);
  const input = { id: identity.member, settings, hardState, base, entries, snapshot: base };
  return { ...input, applied: stored.applied.index, drawnMs };
}

function startMember(replica: Replica, system: ActorSystem, self: Address, input: RaftInput): void {
  const own = address({ ...partsOf(self), kind: "raft" });
  replica.link.open();
  replica.raft = system.spawn(raftKind(replica), {
    address: own,
    supervisor: self,
    input,
    // A step that threw has found that the disk or a message lies: going on would make it true.
    recover: () => {
      const [message = "the chart of the log has failed"] = system.report(own)?.fault?.split("\n") ?? [];
      replica.tell({ type: "member.failed", reason: "fault", message });
      throw new Error(message);
    },
  });
  replica.raft.subscribe((snapshot) => replica.raftStepped(snapshot));
  replica.raftStepped(replica.raft.getSnapshot());
  // Once this order has been answered.
  replica.options.clock.soon(() => begin(replica));
}

function begin(replica: Replica): void {
  if (replica.context === undefined) return;
  const { identity } = replica.loaded;
  replica.alarmsChanged();
  const { configurations } = replica.context!.log;
  const { voters } = configurations.at(-1)!.configuration;
  if (voters.length === 1 && voters[0] === identity.member) {
    // Nobody else could be elected: it need not wait to see whether somebody is.
    const { term } = replica.context!;
    replica.raft?.send({ type: "candidacy.urged", from: identity.member, to: identity.member, term });
  } else replica.becomeReady();
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}
