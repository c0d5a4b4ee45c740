/** Opens one member of a replicated store: of one, three or five. */
import { raftMachine } from "../../../machines/raft/raft_machine.ts";
import type { RaftSettings } from "../../../machines/raft/raft_member.ts";
import type { Roster } from "../../../machines/raft/roster.ts";
import type { replicaMachine } from "../../../machines/store/replica_machine.ts";
import type { Amount } from "../../../machines/store/store_member_machine.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Disk } from "../../../ports/disk.ts";
import type { Random } from "../../../ports/random.ts";
import type { Storage } from "../../../ports/storage.ts";
import type { JoinTicket, NewStoreMember, StoreMembershipControl } from "../../../ports/store_membership.ts";
import type { Transport } from "../../../ports/transport.ts";
import { type ActorHandle, ActorSystem, type Address, address } from "../../system.ts";
import { Replica } from "./replica.ts";
import { replicaKind } from "./replica_orders.ts";
import { ReplicatedStorageOfMember } from "./replicated_storage.ts";

/** How a directory that is new begins; one that is not goes on as what it is. */
export type StoreBeginning =
  /**
   * With these members, this one among them; every one of them is given the same. `cluster`: 16 hexadecimal digits.
   * Once, when the store is made: a founder that has lost its directory has forgotten whom it voted for. It is removed
   * and joins anew.
   */
  | { readonly found: { readonly cluster: string; readonly members: readonly NewStoreMember[] } }
  /** With the ticket that `addLearner` has given. */
  | { readonly join: JoinTicket };

export interface ReplicatedStorageOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** Between members; closed with the storage. Absent: this member is alone, until it is opened with one. */
  readonly transport?: Transport;
  /** Runs the member; absent: one of its own. */
  readonly system?: ActorSystem;
  /** Of the member's actor. */
  readonly address?: Address;
  readonly supervisor?: Address;
  /** Within the disk; "store" unless told. */
  readonly directory?: string;
  /** Own name: the transport's, and the common name of its certificate. */
  readonly name: string;
  /** Where others reach this member, `https://host:port`. A change is written to the log once there is a leader. */
  readonly peerAddresses?: readonly string[];
  readonly clientAddresses?: readonly string[];
  /** Absent, and the directory is new: a store of one's own, which others can join later. */
  readonly begin?: StoreBeginning;
  /** 10,000 entries, and log as long as the last snapshot up to 256 MiB, unless told. */
  readonly snapshotEvery?: Amount;
  /** A segment of the log is full at this size; 64 MiB unless told. */
  readonly segmentBytes?: number;
  /** What may wait before requests are refused with "tooManyRequests". */
  readonly queue?: { readonly proposals: number; readonly bytes: number; readonly reads: number };
  /** After so long a request that still waits is refused; 7 s unless told. */
  readonly requestTimeoutMs?: number;
  /** The leader compares what members hold so often; 10 minutes unless told, 0: only when asked. */
  readonly compareHashesEveryMs?: number;
  readonly raft?: Partial<RaftSettings>;
  /** For the list of members. */
  readonly processId?: number;
}

/** With everything that has a default filled in. */
export type ReplicaSettings = ReturnType<typeof settingsOf>;

const raftDefaults: RaftSettings = {
  electionTimeoutMs: 1_000,
  heartbeatMs: 100,
  maxMessageBytes: 1 << 20,
  maxInFlight: 64,
  maxInFlightBytes: 16 << 20,
  maxUncommittedBytes: 64 << 20,
  keptEntries: 5_000,
  maxLearners: 1,
  promotionLag: 1_000,
};

function settingsOf(options: ReplicatedStorageOptions) {
  const { begin } = options;
  const records: Roster = begin !== undefined && "join" in begin ? begin.join.members : [];
  return {
    directory: "store",
    peerAddresses: [] as readonly string[],
    clientAddresses: [] as readonly string[],
    snapshotEvery: { entries: 10_000, bytes: 256 << 20 },
    segmentBytes: 64 << 20,
    queue: { proposals: 20_000, bytes: 64 << 20, reads: 50_000 },
    requestTimeoutMs: 7_000,
    compareHashesEveryMs: 600_000,
    processId: 0,
    ...options,
    transport: options.transport,
    begin: begin === undefined || "found" in begin ? begin : { join: { ...begin.join, records } },
    raft: { ...raftDefaults, ...options.raft },
  };
}

/** A member's storage, with what administrators and those who look inside need. */
export interface ReplicatedStorage extends Storage {
  readonly membership: StoreMembershipControl;
  /** The life of the member, and its part in the log. */
  readonly actor: ActorHandle<typeof replicaMachine>;
  readonly log: ActorHandle<typeof raftMachine>;
  /** What was found at opening and could be made good. */
  readonly notes: readonly string[];
  /** Of everything that can be read now; members that have applied the same entries have the same. Takes its time. */
  hash(): Promise<{ readonly appliedIndex: number; readonly revision: number; readonly hash: string }>;
}

/**
 * Opens a member, or makes it. Resolves once it takes part in the log; a store of one voter then serves, another one
 * once there is a leader: requests wait for it.
 *
 * @throws StorageError "unavailable" or "noSpace", saying why: another process has it open, the log is damaged, the
 * disk refuses.
 */
export async function openReplicatedStorage(options: ReplicatedStorageOptions): Promise<ReplicatedStorage> {
  const settings = settingsOf(options);
  const replica = new Replica(settings);
  const system = options.system ?? new ActorSystem({ clock: options.clock });
  if (options.system === undefined) replica.closed.promise.then(() => system.stopAll());
  const actor = system.spawn(replicaKind(replica, system), {
    address: options.address ??
      address({ node: "local", kind: "store", name: `${settings.name}.${settings.directory.replaceAll("/", ".")}` }),
    ...(options.supervisor === undefined ? {} : { supervisor: options.supervisor }),
    input: { snapshotEvery: settings.snapshotEvery },
  });
  replica.actor = actor;
  try {
    await replica.opened.promise;
  } catch (error) {
    actor.send({ type: "storage.closeRequested" });
    await replica.closed.promise;
    throw error;
  }
  return new ReplicatedStorageOfMember(replica, actor);
}
