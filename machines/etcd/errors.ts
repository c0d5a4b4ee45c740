/** etcd's errors: gRPC codes and the messages that clients compare; and which of them stands for which refusal. */
import type { Refusal } from "../store/requests.ts";

/** gRPC's status codes, as far as etcd uses them. */
export const statusCodes = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

type Row = readonly [code: keyof typeof statusCodes, message: string];

export const etcdErrors = {
  emptyKey: ["invalidArgument", "etcdserver: key is not provided"],
  keyNotFound: ["invalidArgument", "etcdserver: key not found"],
  valueProvided: ["invalidArgument", "etcdserver: value is provided"],
  leaseProvided: ["invalidArgument", "etcdserver: lease is provided"],
  tooManyOperations: ["invalidArgument", "etcdserver: too many operations in txn request"],
  duplicateKey: ["invalidArgument", "etcdserver: duplicate key given in txn request"],
  compacted: ["outOfRange", "etcdserver: mvcc: required revision has been compacted"],
  futureRevision: ["outOfRange", "etcdserver: mvcc: required revision is a future revision"],
  noSpace: ["resourceExhausted", "etcdserver: mvcc: database space exceeded"],
  leaseNotFound: ["notFound", "etcdserver: requested lease not found"],
  leaseExists: ["failedPrecondition", "etcdserver: lease already exists"],
  leaseTtlTooLarge: ["outOfRange", "etcdserver: too large lease TTL"],
  invalidSortOption: ["invalidArgument", "etcdserver: invalid sort option"],
  tooLarge: ["invalidArgument", "etcdserver: request is too large"],
  tooManyRequests: ["resourceExhausted", "etcdserver: too many requests"],
  memberExists: ["failedPrecondition", "etcdserver: member ID already exist"],
  peerAddressExists: ["failedPrecondition", "etcdserver: Peer URLs already exists"],
  notEnoughStarted: ["failedPrecondition", "etcdserver: re-configuration failed due to not enough started members"],
  badAddress: ["invalidArgument", "etcdserver: given member URLs are invalid"],
  memberNotFound: ["notFound", "etcdserver: member not found"],
  notLearner: ["failedPrecondition", "etcdserver: can only promote a learner member"],
  learnerNotReady: [
    "failedPrecondition",
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  tooManyLearners: ["failedPrecondition", "etcdserver: too many learner members in cluster"],
  noLeader: ["unavailable", "etcdserver: no leader"],
  notLeader: ["failedPrecondition", "etcdserver: not leader"],
  badTransferee: ["failedPrecondition", "etcdserver: bad leader transferee"],
  stopped: ["unavailable", "etcdserver: server stopped"],
  timedOut: ["unavailable", "etcdserver: request timed out"],
  unhealthy: ["unavailable", "etcdserver: unhealthy cluster"],
  corrupt: ["dataLoss", "etcdserver: corrupt cluster"],
  invalidToken: ["unauthenticated", "etcdserver: invalid auth token"],
  oldAuthRevision: ["invalidArgument", "etcdserver: revision of auth store is old"],
} as const satisfies Record<string, Row>;

export type EtcdErrorName = keyof typeof etcdErrors;

/** The error for a refusal that has one of its own. The others say in their own words what is wrong. */
export function errorOfRefusal(code: Refusal["code"]): EtcdErrorName | undefined {
  if (code === "closed") return "stopped";
  return code in etcdErrors ? code as EtcdErrorName : undefined;
}

/** Errors that a new token of the same user mends. */
export function wantsNewToken(code: number, message: string): boolean {
  return code === statusCodes.unauthenticated || message === etcdErrors.oldAuthRevision[1];
}

const byMessage = new Map(Object.entries(etcdErrors).map(([name, [, message]]) => [message as string, name]));

/** Errors that the Storage port knows by a coarser name. */
const coarse: Partial<Record<EtcdErrorName, Refusal["code"]>> = {
  oldAuthRevision: "unavailable",
  emptyKey: "invalid",
  valueProvided: "invalid",
  leaseProvided: "invalid",
  tooManyOperations: "invalid",
  duplicateKey: "invalid",
  invalidSortOption: "invalid",
  leaseTtlTooLarge: "invalid",
};
const sameName = [
  "compacted",
  "futureRevision",
  "noSpace",
  "leaseNotFound",
  "leaseExists",
  "keyNotFound",
  "tooLarge",
  "tooManyRequests",
] as const;

/** Which refusal an error of an etcd server stands for. */
export function refusalOfError(code: number, message: string): Refusal["code"] {
  const name = byMessage.get(message) as EtcdErrorName | undefined;
  const same = sameName.find((each) => each === name);
  if (same !== undefined) return same;
  if (name !== undefined && coarse[name] !== undefined) return coarse[name];
  // What gRPC itself refuses to carry.
  if (code === statusCodes.resourceExhausted && /larger than max|message size/i.test(message)) return "tooLarge";
  if (code === statusCodes.resourceExhausted) return "tooManyRequests";
  return code === statusCodes.invalidArgument ? "invalid" : "unavailable";
}
