/**
 * Changing and watching the members of the replicated store, as the cluster's own commands do. (`StoreAdministration`
 * is the same in etcd's words, on top of it.) Every call may be made on any member; changes are made by the leader,
 * through the log.
 *
 * Peer addresses are `https://host:port`; the first one counts.
 */
import type { StoreMemberInfo } from "./store_administration.ts";

/** A member with what it says of itself when asked; without an answer within a second it is not `reachable`. */
export interface StoreMemberStatus extends StoreMemberInfo {
  readonly role: "leader" | "follower" | "learner" | "unknown";
  readonly reachable: boolean;
  readonly term: number;
  readonly appliedIndex: number;
  readonly revision: number;
  /** Bytes on its disk. */
  readonly sizeBytes: number;
  /** Of its operating system; 0: not known. */
  readonly processId: number;
}

/** What a new member has to be told to join: handed to it over a channel that both trust. */
export interface JoinTicket {
  readonly id: string;
  readonly cluster: string;
  /** Everybody, the new member too. */
  readonly members: readonly StoreMemberInfo[];
}

export interface NewStoreMember {
  /** The common name of its certificate between members. Empty: known when it has started. */
  readonly name: string;
  readonly peerAddresses: readonly string[];
  readonly clientAddresses?: readonly string[];
}

/** @throws AdministrationError with why a change is refused; "timedOut": whether it was made is not known. */
export interface StoreMembershipControl {
  /** Own id and the cluster's. */
  readonly id: string;
  readonly cluster: string;
  /** As the own log has them, at once. */
  records(): readonly StoreMemberInfo[];
  /** Asks everybody how they are. */
  members(): Promise<readonly StoreMemberStatus[]>;
  /** A new member: it is sent the log, and has no vote yet. */
  addLearner(member: NewStoreMember): Promise<JoinTicket>;
  /** Gives a learner that has caught up a vote. */
  promote(id: string): Promise<void>;
  /** Changes where a member is reached; what is left out stays. */
  update(id: string, changes: Partial<NewStoreMember>): Promise<void>;
  /** For ever: its id is never used again. The member stops when it hears of it. */
  remove(id: string): Promise<void>;
  /** Hands leadership over; without an id to the voter that is furthest. Resolves when another one leads. */
  moveLeader(to?: string): Promise<void>;
  /**
   * Compares what all members hold as of one entry of the log. Who differs from the majority is alarmed ("corrupt") and
   * serves nothing until the alarm is cleared.
   */
  checkHashes(): Promise<readonly MemberHash[]>;
}

export interface MemberHash {
  readonly member: string;
  /** Undefined: it did not answer in time. */
  readonly hash: string | undefined;
  readonly isCorrupt: boolean;
}
