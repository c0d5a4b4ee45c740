/** What the replicated log carries. Ids, times and draws are fixed in it: applying it is the same on every member. */
import type { TxnRequest } from "./requests.ts";

export type Command =
  | ({ readonly type: "txn" } & TxnRequest)
  | { readonly type: "grantLease"; readonly id: number; readonly ttlSeconds: number }
  | { readonly type: "revokeLease"; readonly id: number }
  /** Proposed by the leader, whose clock decides. Leases that are gone by then are passed over. */
  | { readonly type: "expireLeases"; readonly ids: readonly number[] }
  | { readonly type: "compact"; readonly revision: number };
