/** How the orders of a store member are carried out: a table from order to disk. Nothing is decided here. */
import type { Configuration, Identity } from "../../machines/raft/entry.ts";
import { encodeConfiguration } from "../../machines/raft/log_format.ts";
import { MalformedBytes } from "../../machines/raft/bytes.ts";
import { decodeCommand, writeCommand } from "../../machines/store/command_codec.ts";
import type { Outcome } from "../../machines/store/requests.ts";
import { type StoreMemberEvent, storeMemberMachine } from "../../machines/store/store_member_machine.ts";
import { type ActorKind, actorKind, type OrderContext } from "../system.ts";
import { lockName } from "./file_names.ts";
import { LogRefused, readLog, type StoredLog } from "./read_log.ts";
import { LogWriter } from "./log_writer.ts";
import { SnapshotFiles } from "./snapshot_files.ts";
import type { StoreMember } from "./store_member.ts";
import { turn } from "./turn.ts";
import { WatchHub } from "./watch_hub.ts";

/** The kind of actor that runs this one member. Urgent: everybody's writes wait for it. */
export function storeMemberKind(member: StoreMember): ActorKind<typeof storeMemberMachine> {
  const { disk, directory, clock } = member.options;
  return actorKind("store", storeMemberMachine, {
    openDirectory: tracked(member, async () => {
      member.refusal = { code: "unavailable", message: "The store is opening" };
      await member.settled(); // An earlier life of the actor may still be at it.
      await member.reset();
      await disk.makeDirectory(directory);
      await disk.syncDirectory(parentOf(directory));
      member.lock = await disk.lock(`${directory}/${lockName}`);
      return { type: "directory.opened" };
    }),
    replayLog: tracked(member, async () => {
      const stored = await readLog(disk, directory, clock);
      load(member, stored);
      const { last, applied, hardState, torn, logBytes, snapshots } = stored;
      return {
        type: "log.replayed",
        term: Math.max(last.term, hardState.term),
        torn,
        since: { entries: last.index - applied.index, bytes: logBytes },
        snapshotBytes: snapshots.at(-1)?.bytes ?? 0,
      };
    }),
    repairTail: tracked(member, async ({ file, size }) => {
      await member.loaded.log.repair(file, size);
      return { type: "tail.repaired" };
    }),
    takeOffice: tracked(member, async ({ term }) => {
      await takeOffice(member, term);
      return { type: "office.taken" };
    }),
    announceServing: () => {
      member.refusal = undefined;
      member.startLeases();
      member.opened.resolve();
    },
    writeBatch: tracked(member, async () => {
      const { entries, bytes } = await writeBatch(member);
      const more = member.queue.length > 0;
      member.awake = more;
      return { type: "batch.synced", entries, bytes, more };
    }),
    writeSnapshot: tracked(member, async (_, order) => {
      const { identity, state, log, snapshots, stored } = member.loaded;
      const header = { ...identity, ...member.applied, configuration: configurationOf(stored, identity) };
      log.wantRoll();
      return { type: "snapshot.saved", bytes: await snapshots.write(state, header, order.signal) };
    }),
    removeOldFiles: tracked(member, async () => {
      const { log, snapshots } = member.loaded;
      await snapshots.removeOld();
      await log.removeUpTo(snapshots.replaces);
      return { type: "files.removed" };
    }),
    refuseRequests: ({ code, message }) => member.refuse({ code, message }),
    closeFiles: async () => {
      await member.settled();
      await member.reset();
      member.closed.resolve();
      return { type: "files.closed" };
    },
  }, { urgent: true });
}

type Perform<Params, Fact> = (params: Params, order: OrderContext<StoreMemberEvent>) => Promise<Fact>;

function tracked<Params, Fact>(member: StoreMember, perform: Perform<Params, Fact>): Perform<Params, Fact> {
  return (params, order) => member.track(perform(params, order));
}

function load(member: StoreMember, stored: StoredLog): void {
  const { disk, directory, clock, segmentBytes } = member.options;
  const identity = stored.identity ?? member.options.identity ?? drawIdentity(member);
  const { voters } = stored.configuration;
  if (stored.identity !== undefined && (voters.length !== 1 || voters[0] !== identity.member)) {
    throw new LogRefused(
      `Cannot open the store in "${directory}" as a single member: its log has the voters [${voters.join(", ")}], ` +
        `not only member ${identity.member}`,
    );
  }
  member.load({
    identity,
    stored,
    state: stored.state,
    log: new LogWriter(disk, directory, identity, segmentBytes, stored),
    snapshots: new SnapshotFiles(disk, directory, clock, stored.snapshots),
    hub: new WatchHub(stored.state, clock),
  });
}

function drawIdentity({ options: { random } }: StoreMember): Identity {
  const hex = () => Array.from(random.bytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { member: hex(), cluster: hex() };
}

/** The configuration of a directory that is new: this member alone. */
function configurationOf(stored: StoredLog, { member }: Identity): Configuration {
  return stored.identity === undefined ? { voters: [member], learners: [] } : stored.configuration;
}

/** Entries that are replayed between two turns of the loop. */
const entriesPerTurn = 2_000;

async function takeOffice(member: StoreMember, term: number): Promise<void> {
  const { identity, log, stored, hub } = member.loaded;
  await log.open({ term, configuration: encodeConfiguration(configurationOf(stored, identity)) });
  await log.begin({ term, vote: identity.member, commit: stored.last.index });
  const first = log.add(term, "empty", () => {});
  await log.write();
  // An entry of its own term is on its disk, and it is the majority: everything before is committed too.
  for (const [at, { index, term, type, payload }] of stored.entries.entries()) {
    if (type === "command") applyStored(member, index, term, payload);
    if (at % entriesPerTurn === entriesPerTurn - 1) await turn(member.options.clock);
  }
  member.applied = first;
  hub.flush();
}

function applyStored(member: StoreMember, index: number, term: number, payload: Uint8Array): void {
  try {
    member.apply(decodeCommand(payload), { index, term });
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    throw new LogRefused(`Cannot apply entry ${index} of the log: ${error.message}`);
  }
}

/** Records of compacted history freed after each batch. */
const tidyBudget = 2_000;

async function writeBatch(member: StoreMember): Promise<{ entries: number; bytes: number }> {
  const { log, hub, state } = member.loaded;
  const { hardState } = log;
  const proposals = member.queue.take();
  if (proposals.length === 0) return { entries: 0, bytes: 0 }; // The batch before took along what was announced.
  const { term } = hardState;
  // Everything applied is committed; telling so costs nothing here and lets a restart know more.
  await log.begin({ ...hardState, commit: member.applied.index });
  const first = log.last.index + 1;
  for (const { command } of proposals) log.add(term, "command", (out) => writeCommand(out, command));
  const bytes = await log.write();
  const outcomes: Outcome[] = [];
  for (const [at, { command }] of proposals.entries()) {
    outcomes.push(member.apply(command, { index: first + at, term }));
  }
  member.queue.finish(outcomes);
  hub.flush();
  state.tidy(tidyBudget);
  return { entries: proposals.length, bytes };
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}
