/** etcd's v3 messages as a table of facts: names and numbers of fields, from its protocol files (3.6 and older). */
import { bool, bytes, type Fields, int64, type Message, message, string, uint64 } from "./protobuf.ts";

export type Read<M> = M extends Message<infer T> ? T : never;

export const KeyValue = message({
  key: [1, bytes],
  createRevision: [2, int64],
  modRevision: [3, int64],
  version: [4, int64],
  value: [5, bytes],
  lease: [6, int64],
});
const kv = () => KeyValue;

export const ResponseHeader = message({
  clusterId: [1, uint64],
  memberId: [2, uint64],
  revision: [3, int64],
  raftTerm: [4, uint64],
});
const header = () => ResponseHeader;

export const sortOrders = { none: 0, ascend: 1, descend: 2 } as const;
/** By number: key, version, create, mod, value. */
export const sortTargets = ["key", "version", "createRevision", "modRevision", "value"] as const;

export const RangeRequest = message({
  key: [1, bytes],
  rangeEnd: [2, bytes],
  limit: [3, int64],
  revision: [4, int64],
  sortOrder: [5, int64],
  sortTarget: [6, int64],
  serializable: [7, bool],
  keysOnly: [8, bool],
  countOnly: [9, bool],
  minModRevision: [10, int64],
  maxModRevision: [11, int64],
  minCreateRevision: [12, int64],
  maxCreateRevision: [13, int64],
});
export const RangeResponse = message({
  header: [1, header],
  kvs: [2, kv, "repeated"],
  more: [3, bool],
  count: [4, int64],
});
export const PutRequest = message({
  key: [1, bytes],
  value: [2, bytes],
  lease: [3, int64],
  prevKv: [4, bool],
  ignoreValue: [5, bool],
  ignoreLease: [6, bool],
});
export const PutResponse = message({ header: [1, header], prevKv: [2, kv] });
export const DeleteRangeRequest = message({ key: [1, bytes], rangeEnd: [2, bytes], prevKv: [3, bool] });
export const DeleteRangeResponse = message({
  header: [1, header],
  deleted: [2, int64],
  prevKvs: [3, kv, "repeated"],
});

/** By number. */
export const compareResults = ["=", ">", "<", "!="] as const;
export const compareTargets = ["version", "createRevision", "modRevision", "value", "lease"] as const;
export const Compare = message({
  result: [1, int64],
  target: [2, int64],
  key: [3, bytes],
  version: [4, int64],
  createRevision: [5, int64],
  modRevision: [6, int64],
  value: [7, bytes],
  lease: [8, int64],
  rangeEnd: [64, bytes],
});

/** One of these. */
export interface RequestOp {
  requestRange: Read<typeof RangeRequest> | undefined;
  requestPut: Read<typeof PutRequest> | undefined;
  requestDeleteRange: Read<typeof DeleteRangeRequest> | undefined;
  requestTxn: TxnRequest | undefined;
}
export interface TxnRequest {
  compare: Read<typeof Compare>[];
  success: RequestOp[];
  failure: RequestOp[];
}
export interface ResponseOp {
  responseRange: Read<typeof RangeResponse> | undefined;
  responsePut: Read<typeof PutResponse> | undefined;
  responseDeleteRange: Read<typeof DeleteRangeResponse> | undefined;
  responseTxn: TxnResponse | undefined;
}
export interface TxnResponse {
  header: Read<typeof ResponseHeader> | undefined;
  succeeded: boolean;
  responses: ResponseOp[];
}
export const RequestOp: Message<RequestOp> = message({
  requestRange: [1, () => RangeRequest],
  requestPut: [2, () => PutRequest],
  requestDeleteRange: [3, () => DeleteRangeRequest],
  requestTxn: [4, (): Message<TxnRequest> => TxnRequest],
});
export const TxnRequest: Message<TxnRequest> = message({
  compare: [1, () => Compare, "repeated"],
  success: [2, () => RequestOp, "repeated"],
  failure: [3, () => RequestOp, "repeated"],
});
export const ResponseOp: Message<ResponseOp> = message({
  responseRange: [1, () => RangeResponse],
  responsePut: [2, () => PutResponse],
  responseDeleteRange: [3, () => DeleteRangeResponse],
  responseTxn: [4, (): Message<TxnResponse> => TxnResponse],
});
export const TxnResponse: Message<TxnResponse> = message({
  header: [1, header],
  succeeded: [2, bool],
  responses: [3, () => ResponseOp, "repeated"],
});

export const CompactionRequest = message({ revision: [1, int64], physical: [2, bool] });
/** Also the answer of every method that has nothing to say but its header. */
export const HeaderResponse = message({ header: [1, header] });
export const NoFields = message({});

export const eventTypes = { put: 0, delete: 1 } as const;
export const Event = message({ type: [1, int64], kv: [2, kv], prevKv: [3, kv] });
export const watchFilters = { noPut: 0, noDelete: 1 } as const;
export const WatchCreateRequest = message({
  key: [1, bytes],
  rangeEnd: [2, bytes],
  startRevision: [3, int64],
  progressNotify: [4, bool],
  filters: [5, int64, "repeated"],
  prevKv: [6, bool],
  watchId: [7, int64],
  fragment: [8, bool],
});
export const WatchCancelRequest = message({ watchId: [1, int64] });
export const WatchRequest = message({
  createRequest: [1, () => WatchCreateRequest],
  cancelRequest: [2, () => WatchCancelRequest],
  progressRequest: [3, () => NoFields],
});
export const WatchResponse = message({
  header: [1, header],
  watchId: [2, int64],
  created: [3, bool],
  canceled: [4, bool],
  compactRevision: [5, int64],
  cancelReason: [6, string],
  fragment: [7, bool],
  events: [11, () => Event, "repeated"],
});

export const LeaseGrantRequest = message({ ttl: [1, int64], id: [2, int64] });
export const LeaseGrantResponse = message({
  header: [1, header],
  id: [2, int64],
  ttl: [3, int64],
  error: [4, string],
});
export const LeaseIdRequest = message({ id: [1, int64] });
export const LeaseKeepAliveResponse = message({ header: [1, header], id: [2, int64], ttl: [3, int64] });
export const LeaseTimeToLiveRequest = message({ id: [1, int64], keys: [2, bool] });
export const LeaseTimeToLiveResponse = message({
  header: [1, header],
  id: [2, int64],
  ttl: [3, int64],
  grantedTtl: [4, int64],
  keys: [5, bytes, "repeated"],
});
export const LeaseLeasesResponse = message({
  header: [1, header],
  leases: [2, () => LeaseIdRequest, "repeated"],
});

export const Member = message({
  id: [1, uint64],
  name: [2, string],
  peerUrls: [3, string, "repeated"],
  clientUrls: [4, string, "repeated"],
  isLearner: [5, bool],
});
const member = () => Member;
export const MemberAddRequest = message({ peerUrls: [1, string, "repeated"], isLearner: [2, bool] });
export const MemberAddResponse = message({
  header: [1, header],
  member: [2, member],
  members: [3, member, "repeated"],
});
export const MemberIdRequest = message({ id: [1, uint64] });
export const MemberUpdateRequest = message({ id: [1, uint64], peerUrls: [2, string, "repeated"] });
export const MemberListRequest = message({ linearizable: [1, bool] });
/** Of list, remove, update and promote. */
export const MembersResponse = message({ header: [1, header], members: [2, member, "repeated"] });

export const alarmActions = { get: 0, activate: 1, deactivate: 2 } as const;
/** By number. */
export const alarmTypes = ["none", "noSpace", "corrupt"] as const;
export const AlarmRequest = message({ action: [1, int64], memberId: [2, uint64], alarm: [3, int64] });
export const AlarmMember = message({ memberId: [1, uint64], alarm: [2, int64] });
export const AlarmResponse = message({ header: [1, header], alarms: [2, () => AlarmMember, "repeated"] });
export const StatusResponse = message({
  header: [1, header],
  version: [2, string],
  dbSize: [3, int64],
  leader: [4, uint64],
  raftIndex: [5, uint64],
  raftTerm: [6, uint64],
  raftAppliedIndex: [7, uint64],
  errors: [8, string, "repeated"],
  dbSizeInUse: [9, int64],
  isLearner: [10, bool],
});
export const HashResponse = message({ header: [1, header], hash: [2, int64] });
export const HashKvRequest = message({ revision: [1, int64] });
export const HashKvResponse = message({
  header: [1, header],
  hash: [2, int64],
  compactRevision: [3, int64],
  hashRevision: [4, int64],
});
export const SnapshotResponse = message({ header: [1, header], remainingBytes: [2, uint64], blob: [3, bytes] });
export const MoveLeaderRequest = message({ targetId: [1, uint64] });

export const AuthenticateRequest = message({ name: [1, string], password: [2, string] });
export const AuthenticateResponse = message({ header: [1, header], token: [2, string] });

export type { Fields };
