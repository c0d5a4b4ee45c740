/** What the replicated log carries. Ids, times and draws are fixed in it: applying it is the same on every member. */
import type { TxnRequest } from "./requests.ts";

export type Command =
  | ({ readonly type: "txn" } & TxnRequest)
  | { readonly type: "grantLease"; readonly id: number; readonly ttlSeconds: number }
  | { readonly type: "revokeLease"; readonly id: number }
  /** Proposed by the leader, whose clock decides. Leases that are gone by then are passed over. */
  | { readonly type: "expireLeases"; readonly ids: readonly number[] }
  | { readonly type: "compact"; readonly revision: number }
  | { readonly type: "raiseAlarm"; readonly alarm: Alarm }
  | { readonly type: "clearAlarm"; readonly alarm: Alarm }
  /** Whoever applies it hashes what it holds at that moment. `check` tells one from the other. */
  | { readonly type: "compareHashes"; readonly check: number };

/** A fault that is remembered until somebody says it is mended. */
export interface Alarm {
  readonly type: "noSpace" | "corrupt";
  readonly member: string;
}

/** Who proposed a command through another member, so that it knows its own when it applies it. */
export interface CommandTag {
  /** The proposer's life: drawn anew with each. */
  readonly origin: number;
  readonly call: number;
}
