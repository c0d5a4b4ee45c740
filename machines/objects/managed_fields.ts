/** Who owns which fields of an object: `metadata.managedFields` through updates and server-side applies. */
import {
  compareFields,
  difference,
  type FieldSet,
  fieldsOf,
  formatFieldSet,
  intersection,
  isEmptySet,
  mergeApplied,
  noFields,
  parseFieldSet,
  pathsOf,
  removeFields,
  sameSet,
  union,
} from "./field_set.ts";
import type { FieldType } from "./field_type.ts";
import { firstFields } from "./first_fields.ts";
import { copyJson, type JsonObject } from "./json.ts";
import type { KubeObject } from "./object.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Update" | "Apply";
  readonly apiVersion: string;
  /** "": the resource itself. */
  readonly subresource: string;
  /** RFC 3339; undefined where the API keeps no time of changes (scale). */
  readonly now: string | undefined;
}

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource: string;
  time: string | undefined;
  fields: FieldSet;
}

/** What nobody owns: identity and what the server keeps. */
const systemFields = parseFieldSet({
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": {
    ".": {},
    "f:name": {},
    "f:namespace": {},
    "f:creationTimestamp": {},
    "f:selfLink": {},
    "f:uid": {},
    "f:clusterName": {},
    "f:generation": {},
    "f:managedFields": {},
    "f:resourceVersion": {},
    "f:deletionTimestamp": {},
    "f:deletionGracePeriodSeconds": {},
  },
});

/** `unowned`: members of the object that a write of this kind does not change. */
function stripped(fields: FieldSet, { subresource }: Manager, unowned: readonly string[]): FieldSet {
  const rest = difference(fields, systemFields);
  const members = new Map(rest.members);
  if (subresource === "status") {
    for (const element of members.keys()) if (element !== "f:status") members.delete(element);
  } else for (const member of unowned) members.delete(`f:${member}`);
  return { self: false, members };
}

function ownersOf(object: KubeObject | undefined): Owner[] {
  return (object?.metadata.managedFields ?? []).map((entry) => ({
    manager: String(entry.manager ?? ""),
    operation: String(entry.operation ?? ""),
    apiVersion: String(entry.apiVersion ?? ""),
    subresource: String(entry.subresource ?? ""),
    time: entry.time as string | undefined,
    fields: parseFieldSet(entry.fieldsV1),
  }));
}

function isSame(owner: Owner, manager: Manager): boolean {
  return owner.manager === manager.name && owner.operation === manager.operation &&
    owner.subresource === manager.subresource &&
    (owner.operation === "Apply" || owner.apiVersion === manager.apiVersion);
}

function entriesOf(owners: readonly Owner[]): Record<string, unknown>[] {
  const kept = owners.filter(({ fields }) => !isEmptySet(fields));
  const rank = ({ operation }: Owner) => (operation === "Apply" ? 0 : 1);
  const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  kept.sort((a, b) =>
    rank(a) - rank(b) || text(a.time ?? "", b.time ?? "") || text(a.manager, b.manager) ||
    text(a.apiVersion, b.apiVersion) || text(a.subresource, b.subresource)
  );
  return kept.map((owner) => entryOf(owner, formatFieldSet(owner.fields)));
}

function entryOf(owner: Omit<Owner, "fields">, fieldsV1: JsonObject): Record<string, unknown> {
  const { manager, operation, apiVersion, time, subresource } = owner;
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(subresource === "" ? {} : { subresource }),
  };
}

/**
 * `managedFields` after `manager` turned `live` into `next` by create, update or patch: it owns what it changed, and
 * nobody else does any more. What `next` itself says of managed fields is where it starts from.
 */
export function fieldsAfterUpdate(
  live: KubeObject | undefined,
  next: KubeObject,
  type: FieldType | undefined,
  manager: Manager,
  unowned: readonly string[],
): Record<string, unknown>[] {
  const given = (next.metadata.managedFields ?? []).length > 0;
  // An object whose fields nobody owns is not taken into care before its first apply.
  if (live !== undefined && !given && (live.metadata.managedFields ?? []).length === 0) return [];
  if (live === undefined && !given && manager.subresource === "") {
    const fieldsV1 = firstFields(next as unknown as JsonObject, type, systemFields, unowned);
    return Object.keys(fieldsV1).length === 0 ? [] : [entryOf({ ...identity(manager), time: manager.now }, fieldsV1)];
  }
  const { changed, removed } = compareFields(live ?? { metadata: {} }, next, type);
  const mine = stripped(changed, manager, unowned);
  const owners = ownersOf(given ? next : live);
  let own = owners.find((owner) => isSame(owner, manager));
  for (const owner of owners) {
    if (owner !== own) owner.fields = difference(difference(owner.fields, mine), removed);
  }
  if (own === undefined) {
    own = { ...identity(manager), time: manager.now, fields: noFields };
    owners.push(own);
  }
  const fields = union(difference(own.fields, removed), mine);
  if (!sameSet(fields, own.fields)) own.time = manager.now;
  own.fields = fields;
  return entriesOf(owners);
}

function identity({ name, operation, apiVersion, subresource }: Manager): Omit<Owner, "time" | "fields"> {
  return { manager: name, operation, apiVersion, subresource };
}

export interface Conflict {
  /** `"kubectl" using apps/v1`, as messages name the owner. */
  readonly owner: string;
  readonly path: string;
}

export interface Applied {
  readonly object: KubeObject;
  /** Not empty: nothing may be written. */
  readonly conflicts: readonly Conflict[];
}

/** The live object (or none) with a configuration applied to it, and who owns what then. */
export function applyConfiguration(
  live: KubeObject | undefined,
  configuration: KubeObject,
  type: FieldType | undefined,
  manager: Manager,
  options: { readonly force: boolean; readonly unowned: readonly string[] },
): Applied {
  const named = stripped(fieldsOf(configuration, type), manager, options.unowned);
  const base = live === undefined ? { apiVersion: configuration.apiVersion, kind: configuration.kind } : live;
  const merged = mergeApplied(base, onlyNamed(configuration, live), type) as KubeObject;
  const { changed } = compareFields(base, merged, type);
  const owners = ownersOf(cared(live, type, manager, options.unowned));
  const conflicts: Conflict[] = [];
  let own = owners.find((owner) => isSame(owner, manager));
  for (const owner of owners) {
    if (owner === own) continue;
    const contested = intersection(owner.fields, changed);
    if (isEmptySet(contested)) continue;
    if (!options.force) conflicts.push(...pathsOf(contested).map((path) => ({ owner: spokenOwner(owner), path })));
    owner.fields = difference(owner.fields, contested);
  }
  if (conflicts.length > 0) return { object: merged, conflicts };
  const others = owners.filter((owner) => owner !== own).reduce((all, { fields }) => union(all, fields), noFields);
  const dropped = difference(difference(own?.fields ?? noFields, named), others);
  const object = (removeFields(merged, dropped, union(named, others), type) ?? merged) as KubeObject;
  const { removed } = compareFields(merged, object, type);
  for (const owner of owners) if (owner !== own) owner.fields = difference(owner.fields, removed);
  if (own === undefined) {
    own = { ...identity(manager), time: manager.now, fields: noFields };
    owners.push(own);
  }
  if (!sameSet(own.fields, named)) own.time = manager.now;
  own.fields = named;
  object.metadata = { ...object.metadata, managedFields: entriesOf(owners) };
  return { object, conflicts: [] };
}

const beforeFirstApply = "before-first-apply";

/** An object that was not taken care of until its first apply: what it has belongs to a manager of that name. */
function cared(
  live: KubeObject | undefined,
  type: FieldType | undefined,
  { apiVersion, now }: Manager,
  unowned: readonly string[],
): KubeObject | undefined {
  if (live === undefined || (live.metadata.managedFields ?? []).length > 0) return live;
  const manager: Manager = { name: beforeFirstApply, operation: "Update", apiVersion, subresource: "", now };
  const managedFields = fieldsAfterUpdate(undefined, live, type, manager, unowned);
  return { ...live, metadata: { ...live.metadata, managedFields } };
}

/** The configuration without what is the server's to say. */
function onlyNamed(configuration: KubeObject, live: KubeObject | undefined): JsonObject {
  const copy = copyJson<unknown>(configuration) as JsonObject & { metadata?: JsonObject };
  const metadata = { ...copy.metadata };
  for (const name of ["creationTimestamp", "managedFields", "selfLink", "generation"]) delete metadata[name];
  if (live !== undefined && metadata.uid === undefined) delete metadata.uid;
  return { ...copy, metadata };
}

function spokenOwner({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = `${JSON.stringify(manager)}${
    subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`
  }`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
