/** What the audit log says: audit.k8s.io/v1 Event. */
import type { Status } from "../objects/status.ts";
import type { Level, Stage } from "./policy.ts";

export interface AuditedUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What is asked about, as far as it is known: from the URL, and for what is new from what was sent. */
export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

export type ToldStatus = Pick<Status, "code" | "details" | "message" | "reason"> & { readonly status?: string };

export interface AuditRecord {
  readonly level: Level;
  readonly auditID: string;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditedUser | undefined;
  readonly impersonatedUser?: AuditedUser | undefined;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  readonly objectRef: ObjectReference | undefined;
  readonly responseStatus?: ToldStatus | undefined;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly receivedAt: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `at`: wall time in ms. */
export function auditEvent(record: AuditRecord, stage: Stage, at: number): Record<string, unknown> {
  const { user, impersonatedUser, sourceIPs, userAgent, objectRef, annotations } = record;
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: record.level,
    auditID: record.auditID,
    stage,
    requestURI: record.requestURI,
    verb: record.verb,
    user: user === undefined ? {} : userInfo(user),
    ...(impersonatedUser === undefined ? {} : { impersonatedUser: userInfo(impersonatedUser) }),
    ...(sourceIPs.length === 0 ? {} : { sourceIPs }),
    ...(userAgent === "" ? {} : { userAgent }),
    ...(objectRef === undefined ? {} : { objectRef }),
    ...(record.responseStatus === undefined ? {} : { responseStatus: { metadata: {}, ...record.responseStatus } }),
    ...(record.requestObject === undefined ? {} : { requestObject: record.requestObject }),
    ...(record.responseObject === undefined ? {} : { responseObject: record.responseObject }),
    requestReceivedTimestamp: microTime(record.receivedAt),
    stageTimestamp: microTime(at),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

function userInfo({ name, uid = "", groups, extra = {} }: AuditedUser): Record<string, unknown> {
  return {
    username: name,
    ...(uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** RFC 3339 with microseconds. */
function microTime(wallTime: number): string {
  const micros = Math.floor((wallTime % 1) * 1_000);
  return `${new Date(Math.floor(wallTime)).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
}

/** The object without its managed fields, and so each item of a list. It is not changed. */
export function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { metadata, items } = value as { metadata?: object | null; items?: unknown };
  if (Array.isArray(items)) return { ...value, items: items.map(withoutManagedFields) };
  if (metadata === undefined || metadata === null || !("managedFields" in metadata)) return value;
  const { managedFields: _, ...kept } = metadata;
  return { ...value, metadata: kept };
}
