/** Events of both groups: v1 is how they are stored, events.k8s.io/v1 the newer form of the same objects. */
import { pathSegmentErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Column, FieldError, Resource, Strategy } from "../../machinery/types.ts";
import { column, nameColumn, wide } from "../columns/column.ts";
import { humanDuration } from "../columns/duration.ts";
import { type Fields, fields, has, int, same, text } from "../fields.ts";
import { row } from "../row.ts";
import { invalid, invalidFor, path, required } from "../validation/field.ts";

const maxName = 128;
const maxNote = 1024;

/** events.k8s.io field by its v1 name. */
const newNames: readonly (readonly [old: string, current: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

function renamed(object: KubeObject, apiVersion: string, names: readonly (readonly [string, string])[]): KubeObject {
  const map = new Map(names);
  const entries = Object.entries(object).map(([name, value]) => [map.get(name) ?? name, value] as const);
  return { ...Object.fromEntries(entries), apiVersion } as KubeObject;
}

const fromStored = (object: KubeObject): KubeObject => {
  const made = renamed(object, "events.k8s.io/v1", newNames);
  made["deprecatedFirstTimestamp"] ??= null;
  made["deprecatedLastTimestamp"] ??= null;
  made["deprecatedSource"] ??= {};
  return made;
};

const toStored = (object: KubeObject): KubeObject => {
  const made = renamed(object, "v1", newNames.map(([old, current]) => [current, old] as const));
  made["involvedObject"] ??= {};
  made["source"] ??= {};
  return made;
};

/** The v1 form of an event of either group. */
function v1Form(event: KubeObject): KubeObject {
  return event.apiVersion === "v1" ? event : toStored(event);
}

const clusterScoped = new Set([
  "Node",
  "Namespace",
  "PersistentVolume",
  "StorageClass",
  "ClusterRole",
  "ClusterRoleBinding",
  "PriorityClass",
]);

function validateRegarding(event: KubeObject): FieldError[] {
  const { namespace: of, kind, apiVersion } = Object.fromEntries(
    Object.entries(fields(event["involvedObject"])).map(([name, value]) => [name, text(value)]),
  );
  const namespace = text(event.metadata.namespace);
  const mismatch = [invalid(path("involvedObject", "namespace"), of ?? "", "does not match event.namespace")];
  if ((of ?? "") === "") return namespace === "default" ? [] : mismatch;
  // Of an object whose API is not named nobody knows whether it has a namespace.
  if ((apiVersion ?? "") === "") return [];
  if (clusterScoped.has(kind ?? "")) return namespace === "default" ? [] : mismatch;
  return of === namespace ? [] : mismatch;
}

/** Events with an `eventTime` of the newer kind are held to stricter rules. */
function validateNew(event: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const controller = text(event["reportingComponent"]);
  const instance = text(event["reportingInstance"]);
  if (controller === "") errors.push(required(path("reportingController")));
  errors.push(...invalidFor(path("reportingController"), controller, qualifiedNameErrors(controller)));
  const texts: [string, string][] = [["reportingInstance", instance], ["action", text(event["action"])], [
    "reason",
    text(event["reason"]),
  ]];
  for (const [name, value] of texts) {
    if (value === "") errors.push(required(path(name)));
    if (value.length > maxName) errors.push(invalid(path(name), "", `can have at most ${maxName} characters`));
  }
  if (text(event["message"]).length > maxNote) {
    errors.push(invalid(path("message"), "", `can have at most ${maxNote} characters`));
  }
  return errors;
}

/** What holds for an event of either form, new or changed. */
function validateCommon(given: KubeObject): FieldError[] {
  const event = v1Form(given);
  const isNew = given.apiVersion !== "v1" || has(event["eventTime"]);
  return [...validateRegarding(event), ...(isNew ? validateNew(event) : [])];
}

function validateEvent(given: KubeObject): FieldError[] {
  const errors = validateCommon(given);
  if (given.apiVersion === "v1") return errors;
  const event = v1Form(given);
  if (!has(event["eventTime"])) errors.push(required(path("eventTime")));
  const type = text(event["type"]);
  if (type !== "Normal" && type !== "Warning") errors.push(invalid(path("type"), "", `has invalid value: ${type}`));
  const source = fields(event["source"]);
  const unset: [field: string, isSet: boolean][] = [
    ["firstTimestamp", has(event["firstTimestamp"])],
    ["lastTimestamp", has(event["lastTimestamp"])],
    ["count", int(event["count"]) !== 0],
    ["source", text(source["component"]) !== "" || text(source["host"]) !== ""],
  ];
  return [
    ...errors,
    ...unset.filter(([, isSet]) => isSet).map(([field]) => invalid(path(field), "", "needs to be unset")),
  ];
}

const keptFields: readonly [field: string, told: string][] = [
  ["involvedObject", "involvedObject"],
  ["reason", "reason"],
  // Kubernetes says it twice.
  ["reason", "reason"],
  ["message", "message"],
  ["source", "source"],
  ["firstTimestamp", "firstTimestamp"],
  ["lastTimestamp", "lastTimestamp"],
  ["count", "count"],
  ["type", "type"],
  ["eventTime", "eventTime"],
  ["action", "action"],
  ["related", "related"],
  ["reportingComponent", "reportingController"],
  ["reportingInstance", "reportingInstance"],
];

const referenceNames = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
const goNames = ["Kind", "Namespace", "Name", "UID", "APIVersion", "ResourceVersion", "FieldPath"];

function dump(value: unknown, field: string): unknown {
  if (field !== "involvedObject") return value ?? "";
  return Object.fromEntries(referenceNames.map((name, index) => [goNames[index], text(fields(value)[name])]));
}

/** Of an event of the newer group only the series may change. */
function validateEventUpdate(givenNext: KubeObject, givenOld: KubeObject): FieldError[] {
  const errors = validateCommon(givenNext);
  if (givenNext.apiVersion === "v1") return errors;
  const next = v1Form(givenNext);
  const old = v1Form(givenOld);
  for (const [field, told] of keptFields) {
    if (!same(next[field] || undefined, old[field] || undefined)) {
      errors.push(invalid(path(told), dump(next[field], field), "field is immutable"));
    }
  }
  return errors;
}

const involved = (event: KubeObject): Fields => fields(v1Form(event)["involvedObject"]);
const involvedField = (name: string) => (event: KubeObject): string => text(involved(event)[name]);

const selectableFields: NonNullable<Strategy["selectableFields"]> = {
  "involvedObject.kind": involvedField("kind"),
  "involvedObject.namespace": involvedField("namespace"),
  "involvedObject.name": involvedField("name"),
  "involvedObject.uid": involvedField("uid"),
  "involvedObject.apiVersion": involvedField("apiVersion"),
  "involvedObject.resourceVersion": involvedField("resourceVersion"),
  "involvedObject.fieldPath": involvedField("fieldPath"),
  reason: (event) => text(event["reason"]),
  reportingComponent: (event) => text(v1Form(event)["reportingComponent"]),
  source: (event) => text(fields(v1Form(event)["source"])["component"]) || text(v1Form(event)["reportingComponent"]),
  type: (event) => text(event["type"]),
};

/** The same values under the names of the newer form. */
const newSelectableFields: NonNullable<Strategy["selectableFields"]> = {
  ...Object.fromEntries(
    Object.entries(selectableFields).map((
      [name, value],
    ) => [name.replace(/^involvedObject\./, "regarding.").replace("reportingComponent", "reportingController"), value]),
  ),
};

function ago(time: unknown, now: number): string {
  return has(time) && time !== "" ? humanDuration(now - Date.parse(text(time))) : "<unknown>";
}

function firstSeen(event: KubeObject, now: number): string {
  const given = v1Form(event);
  return has(given["firstTimestamp"]) ? ago(given["firstTimestamp"], now) : ago(given["eventTime"], now);
}

function lastSeen(event: KubeObject, now: number): string {
  const given = v1Form(event);
  const series = fields(given["series"]);
  if (has(given["series"])) return ago(series["lastObservedTime"], now);
  return has(given["lastTimestamp"]) ? ago(given["lastTimestamp"], now) : firstSeen(event, now);
}

function countOf(event: KubeObject): number {
  const given = v1Form(event);
  if (has(given["series"])) return int(fields(given["series"])["count"]);
  return int(given["count"]) > 1 ? int(given["count"]) : 1;
}

function sourceCell(event: KubeObject): string {
  const given = v1Form(event);
  const source = fields(given["source"]);
  const [component, instance] = [
    text(source["component"]) || text(given["reportingComponent"]),
    text(source["host"]) || text(given["reportingInstance"]),
  ];
  return instance === "" ? component : `${component}, ${instance}`;
}

const columns: readonly Column[] = [
  column("Last Seen", { of: "v1/Event.lastTimestamp" }, lastSeen),
  column("Type", { of: "v1/Event.type" }, (event) => text(event["type"])),
  column("Reason", { of: "v1/Event.reason" }, (event) => text(event["reason"])),
  column("Object", { of: "v1/Event.involvedObject" }, (event) => {
    const { kind, name } = involved(event);
    return text(name) === "" ? text(kind).toLowerCase() : `${text(kind).toLowerCase()}/${text(name)}`;
  }),
  wide(column("Subobject", { of: "v1/ObjectReference.fieldPath" }, involvedField("fieldPath"))),
  wide(column("Source", { of: "v1/Event.source" }, sourceCell)),
  column("Message", { of: "v1/Event.message" }, (event) => text(v1Form(event)["message"]).trim()),
  wide(column("First Seen", { of: "v1/Event.firstTimestamp" }, firstSeen)),
  wide(column("Count", { of: "v1/Event.count" }, countOf)),
  wide(nameColumn),
];

const common = {
  version: "v1",
  resource: "events",
  kind: "Event",
  shortNames: ["ev"],
  columns,
} as const;

const rules: Strategy = {
  validate: validateEvent,
  validateUpdate: validateEventUpdate,
  hasGeneration: false,
  allowCreateOnUpdate: true,
};

export const events: Resource = row({
  ...common,
  group: "",
  strategy: {
    ...rules,
    validateName: pathSegmentErrors,
    setDefaults(event) {
      for (const name of ["reportingComponent", "reportingInstance"]) event[name] ??= "";
    },
    selectableFields,
  },
});

export const newEvents: Resource = {
  ...row({ ...common, group: "events.k8s.io", strategy: { ...rules, selectableFields: newSelectableFields } }),
  storedAs: { group: "", version: "v1", resource: "events", fromStored, toStored },
};
