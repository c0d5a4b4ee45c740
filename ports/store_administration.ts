/**
 * Looking after a store, as etcd's Cluster and Maintenance services know it: who its members are, whether they hold the
 * same, how full they are. One object per member: what is not about the whole cluster is about this member.
 *
 * Ids of members and of the cluster are 16 hexadecimal digits.
 */
import type { Storage } from "./storage.ts";

export interface StoreAdministration {
  members(): Promise<StoreMembership>;
  /** A member that has not started yet; it has no name until it does. A learner has no vote. */
  addMember(request: { peerAddresses: readonly string[]; learner: boolean }): Promise<StoreMemberChange>;
  /** Makes a learner that has caught up with the leader a voter. */
  promoteMember(id: string): Promise<StoreMembership>;
  removeMember(id: string): Promise<StoreMembership>;
  /** Changes where its peers reach a member. */
  updateMember(id: string, peerAddresses: readonly string[]): Promise<StoreMembership>;
  /** Hands leadership to a voter. @throws AdministrationError "notLeader" when this member is not the leader. */
  moveLeader(id: string): Promise<void>;

  /** Of this very member. */
  health(): Promise<StoreHealth>;
  /**
   * Hash of all that can be read at `revision` (0 or absent: the latest): equal on every member, however each came by
   * it. @throws StorageError "compacted" or "futureRevision".
   */
  hashAt(revision?: number): Promise<StoreHash>;
  /** The whole store as it is now, in pieces: a snapshot file, byte by byte. Ending the iteration early lets go of it. */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Gives room that nothing needs any more back to the disk. */
  defragment(): Promise<void>;

  alarms(): Promise<readonly StoreAlarm[]>;
  /** Raises one by hand; raising it twice is once. */
  raiseAlarm(alarm: StoreAlarm): Promise<void>;
  /** @returns whether it was raised. */
  clearAlarm(alarm: StoreAlarm): Promise<boolean>;

  /** By rising id. */
  leases(): Promise<readonly number[]>;
  /** `remainingSeconds` is -1 once it has run out; keys in order. Nothing: there is no such lease. */
  lease(id: number): Promise<StoreLease | undefined>;
}

/** What runs a member: the storage that answers clients, its size limit enforced, and its administration. */
export interface AdministeredStorage {
  readonly storage: Storage;
  readonly administration: StoreAdministration;
}

export interface StoreMembership {
  readonly cluster: string;
  readonly members: readonly StoreMemberInfo[];
}

export interface StoreMemberChange extends StoreMembership {
  readonly member: StoreMemberInfo;
}

export interface StoreMemberInfo {
  readonly id: string;
  /** Empty: it has not started yet. */
  readonly name: string;
  readonly peerAddresses: readonly string[];
  /** Where its etcd endpoint is reached; empty: it has not started yet, or has none. */
  readonly clientAddresses: readonly string[];
  readonly learner: boolean;
}

export interface StoreHealth {
  /** Of this member; `StoreMembership.cluster` is the cluster's. */
  readonly member: string;
  readonly cluster: string;
  /** Empty: there is none that this member knows of. */
  readonly leader: string;
  readonly term: number;
  /** Last index known committed, and last applied. */
  readonly committedIndex: number;
  readonly appliedIndex: number;
  readonly learner: boolean;
  readonly sizeBytes: number;
  /** Of `sizeBytes`, what a defragmented store would still need. */
  readonly sizeInUseBytes: number;
  /** With so much in use, writes are refused with "noSpace" and the alarm is raised; 0: no limit. */
  readonly quotaBytes: number;
  /** What is wrong, in plain words; empty: nothing. */
  readonly errors: readonly string[];
}

export interface StoreHash {
  /** 32 bits, unsigned. */
  readonly hash: number;
  /** The store's latest revision when it was taken. */
  readonly revision: number;
  /** The revision it is the hash of. */
  readonly hashRevision: number;
  readonly compactedRevision: number;
}

/**
 * `noSpace`: the quota was reached; puts and new leases are refused until there is room and the alarm is cleared.
 * `corrupt`: members at the same index hold different contents; this one answers nothing any more.
 */
export interface StoreAlarm {
  readonly type: "noSpace" | "corrupt";
  readonly member: string;
}

export interface StoreLease {
  readonly id: number;
  readonly ttlSeconds: number;
  readonly remainingSeconds: number;
  readonly keys: readonly string[];
}

export type AdministrationRefusal =
  | "memberNotFound"
  | "memberExists"
  | "peerAddressExists"
  | "badAddress"
  /** The change would leave too few voters that run. */
  | "notEnoughStarted"
  | "notLearner"
  | "learnerNotReady"
  | "tooManyLearners"
  | "notLeader"
  | "badTransferee"
  | "noLeader"
  | "timedOut"
  | "unhealthy"
  | "notSupported";

/** Nothing was changed, except with "timedOut", where that is not known. */
export class AdministrationError extends Error {
  override name = "AdministrationError";
  constructor(readonly code: AdministrationRefusal, message: string) {
    super(message);
  }
}
