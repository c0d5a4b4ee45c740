/** etcd's v3 gRPC services: for each method what is sent, what is answered, and which side streams. */
import * as m from "./messages.ts";
import type { Message } from "./protobuf.ts";

export interface Method<Request = unknown, Response = unknown> {
  readonly request: Message<Request>;
  readonly response: Message<Response>;
  readonly streams?: "response" | "both";
}

function method<Request, Response>(
  request: Message<Request>,
  response: Message<Response>,
  streams?: "response" | "both",
): Method<Request, Response> {
  return streams === undefined ? { request, response } : { request, response, streams };
}

export const services = {
  KV: {
    Range: method(m.RangeRequest, m.RangeResponse),
    Put: method(m.PutRequest, m.PutResponse),
    DeleteRange: method(m.DeleteRangeRequest, m.DeleteRangeResponse),
    Txn: method(m.TxnRequest, m.TxnResponse),
    Compact: method(m.CompactionRequest, m.HeaderResponse),
  },
  Watch: { Watch: method(m.WatchRequest, m.WatchResponse, "both") },
  Lease: {
    LeaseGrant: method(m.LeaseGrantRequest, m.LeaseGrantResponse),
    LeaseRevoke: method(m.LeaseIdRequest, m.HeaderResponse),
    LeaseKeepAlive: method(m.LeaseIdRequest, m.LeaseKeepAliveResponse, "both"),
    LeaseTimeToLive: method(m.LeaseTimeToLiveRequest, m.LeaseTimeToLiveResponse),
    LeaseLeases: method(m.NoFields, m.LeaseLeasesResponse),
  },
  Cluster: {
    MemberAdd: method(m.MemberAddRequest, m.MemberAddResponse),
    MemberRemove: method(m.MemberIdRequest, m.MembersResponse),
    MemberUpdate: method(m.MemberUpdateRequest, m.MembersResponse),
    MemberList: method(m.MemberListRequest, m.MembersResponse),
    MemberPromote: method(m.MemberIdRequest, m.MembersResponse),
  },
  Maintenance: {
    Alarm: method(m.AlarmRequest, m.AlarmResponse),
    Status: method(m.NoFields, m.StatusResponse),
    Defragment: method(m.NoFields, m.HeaderResponse),
    Hash: method(m.NoFields, m.HashResponse),
    HashKV: method(m.HashKvRequest, m.HashKvResponse),
    Snapshot: method(m.NoFields, m.SnapshotResponse, "response"),
    MoveLeader: method(m.MoveLeaderRequest, m.HeaderResponse),
  },
} as const;

export const authenticate = method(m.AuthenticateRequest, m.AuthenticateResponse);

/** Methods of the Auth service: users are told apart by their client certificates, so none is carried out. */
export const authMethods = [
  "AuthEnable",
  "AuthDisable",
  "AuthStatus",
  "Authenticate",
  "UserAdd",
  "UserGet",
  "UserList",
  "UserDelete",
  "UserChangePassword",
  "UserGrantRole",
  "UserRevokeRole",
  "RoleAdd",
  "RoleGet",
  "RoleList",
  "RoleDelete",
  "RoleGrantPermission",
  "RoleRevokePermission",
] as const;

/** What stands in the request line. */
export function methodPath(service: string, name: string): string {
  return `/etcdserverpb.${service}/${name}`;
}
