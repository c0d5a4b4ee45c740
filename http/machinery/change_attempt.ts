/** One attempt at changing an object: what the next state is, and whether it may be. Nothing is written here. */
import { copyJson, jsonEquals } from "../../machines/objects/json.ts";
import { fieldsAfterUpdate } from "../../machines/objects/managed_fields.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { validateObjectMetaUpdate } from "../resources/validation/metadata.ts";
import { type ApiRequest, attributesOf, inApiOrder, timestamp } from "./api_request.ts";
import { managerFor } from "./creating.ts";
import type { Engine } from "./engine.ts";
import { conflict, invalid, objectModified } from "./errors.ts";
import type { WriteOptions } from "./options.ts";
import { objectKey } from "./resource_registry.ts";
import { hasGeneration, holdsDeletion, metadataInGeneration, spokenKey, unownedFields } from "./resource_facts.ts";
import { dryEntry, type Entry, entryOf, storedForm, viewOf } from "./stored_object.ts";
import type { AdmissionRequest, Resource } from "./types.ts";

/** Makes the next state from the present one; both in the resource's own form. The result is the machinery's to change. */
export type Produce = (old: KubeObject) => KubeObject;

/** Makes and judges one attempt: the next state, or an entry to answer with when there is nothing to write. */
export type Judge = typeof attemptChange;

/** A server's own change, as a subresource's handler makes it: no admission, no strategy, no owner of fields. */
export const plainChange: Judge = async (
  engine,
  resource,
  _request,
  options,
  _warnings,
  produce,
  _manages,
  current,
) => {
  const old = copyJson(viewOf(current, resource).object);
  const next = inApiOrder(produce(copyJson(old)));
  if (options.dryRun) return { entry: dryEntry(resource, withVersion(next, old)) };
  const form = await storedForm(resource, next);
  const remove = isFinished(resource, next, old);
  if (!remove && jsonEquals(withVersion(form, old), withVersion(current.object, old))) {
    if (!await lingers(engine, current)) return { entry: viewOf(current, resource) };
  }
  const draft = entryOf(engine.registry.storageOf(resource), form, 0);
  if (!remove) engine.cache.remember(draft.value, form);
  return { draft, form, next, remove };
};

export type Outcome =
  | { readonly entry: Entry }
  | {
    readonly draft: Entry;
    readonly form: KubeObject;
    /** The object in the resource's own form. */
    readonly next: KubeObject;
    readonly remove: boolean;
  };

export async function attemptChange(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: WriteOptions,
  warnings: string[],
  produce: Produce,
  manages: boolean,
  current: Entry,
): Promise<Outcome> {
  const { strategy } = resource;
  const { subresource, name } = request;
  // Rows may take parts of the old object over into the new one: what is cached must not be among them.
  const old = copyJson(viewOf(current, resource).object);
  const now = timestamp(engine.clock.wallTime());
  let next = produce(copyJson(old));
  checkPreconditions(resource, request, old, next);
  strategy.setDefaults?.(next);
  // What a subresource may not touch is put back before anybody looks at what changed.
  next = keepRest(resource, subresource, next, old);
  if (manages) manage(engine, resource, subresource, options, now, old, next);
  const admission: AdmissionRequest = {
    attributes: attributesOf(request),
    operation: "UPDATE",
    resource,
    dryRun: options.dryRun,
    object: next,
    old,
    options,
    warn: (text) => void warnings.push(text),
    annotate: request.audit?.annotate,
  };
  next = await engine.admission.admit(admission) ?? next;
  strategy.setDefaults?.(next);
  const context = { now, user: request.user, subresource };
  keepIdentity(next, old);
  const { status } = next;
  strategy.prepareForUpdate?.(next, old, context);
  // Rows that keep the status in every update do not mean the one that is there for it.
  if (subresource === "status" && next.status === old.status && status !== undefined) next.status = status;
  settleGeneration(resource, subresource, next, old);
  const judged = subresource === "status" && strategy.validateStatusUpdate !== undefined
    ? strategy.validateStatusUpdate(next, old, context)
    : strategy.validateUpdate?.(next, old, context) ?? [];
  // Both the generic rules and those of every built-in kind look at metadata: clients see such causes twice.
  const metaErrors = validateObjectMetaUpdate(next.metadata, old.metadata);
  const errors = [...metaErrors, ...metaErrors, ...judged];
  if (errors.length > 0) throw invalid(resource.group, resource.kind, name, errors);
  for (const text of strategy.warnings?.(next, old) ?? []) warnings.push(text);
  await engine.admission.validate(admission);
  next = inApiOrder(next);
  if (options.dryRun) return { entry: dryEntry(resource, withVersion(next, old)) };
  const form = await storedForm(resource, next);
  const remove = isFinished(resource, next, old);
  if (!remove && jsonEquals(withVersion(form, old), withVersion(current.object, old))) {
    if (!await lingers(engine, current)) return { entry: viewOf(current, resource) };
  }
  const stored = engine.registry.storageOf(resource);
  const draft = entryOf(stored, form, 0);
  if (!remove) engine.cache.remember(draft.value, form);
  return { draft, form, next, remove };
}

function withVersion(object: KubeObject, { metadata: { resourceVersion } }: KubeObject): KubeObject {
  return inApiOrder({ ...object, metadata: { ...object.metadata, resourceVersion } });
}

function checkPreconditions(resource: Resource, request: ApiRequest, old: KubeObject, next: KubeObject): void {
  const { name, namespace } = request;
  const { uid = "", resourceVersion = "" } = next.metadata;
  if (uid !== "" && uid !== old.metadata.uid) {
    const key = spokenKey(resource, namespace, name);
    throw conflict(
      resource,
      name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition ` +
        `failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion === "" || resourceVersion === "0") {
    if (resource.strategy.allowUnconditionalUpdate !== false) return;
    const message = "Invalid value: 0: must be specified for an update";
    throw invalid(resource.group, resource.kind, name, [
      { reason: "FieldValueInvalid", field: "metadata.resourceVersion", message },
    ]);
  }
  if (resourceVersion !== old.metadata.resourceVersion) throw conflict(resource, name, objectModified);
}

/** Subresources that write the status besides `status` itself; their rows say what of it. */
const writeStatus = new Set(["approval"]);

/** `/status` changes status and metadata, the resource itself everything but status. */
function keepRest(resource: Resource, subresource: string, next: KubeObject, old: KubeObject): KubeObject {
  if (subresource === "status") {
    const { status: _old, ...rest } = copyJson(old);
    const kept: KubeObject = { ...rest, metadata: next.metadata };
    if (next.status !== undefined) kept.status = next.status;
    return kept;
  }
  if (!("status" in resource.subresources) || writeStatus.has(subresource)) return next;
  if (old.status === undefined) delete next.status;
  else next.status = copyJson(old.status);
  return next;
}

/** Identity and deletion marks stay what they are; generation is counted by the server. */
function keepIdentity(next: KubeObject, old: KubeObject): void {
  const meta = next.metadata, before = old.metadata;
  if ((meta.uid ?? "") === "") meta.uid = before.uid;
  meta.creationTimestamp = before.creationTimestamp;
  if (before.generateName !== undefined && meta.generateName === undefined) meta.generateName = before.generateName;
  delete meta.selfLink;
  for (const field of ["deletionTimestamp", "deletionGracePeriodSeconds", "generation"] as const) {
    if (before[field] === undefined) delete meta[field];
    else (meta as unknown as Record<string, unknown>)[field] = before[field];
  }
}

/** Where metadata counts, it does so in writes of the resource itself: a status may carry an annotation along. */
function settleGeneration(resource: Resource, subresource: string, next: KubeObject, old: KubeObject): void {
  if (!hasGeneration(resource, next)) return;
  const { metadata: _next, status: _nextStatus, ...now } = next;
  const { metadata: _old, status: _oldStatus, ...before } = old;
  const meant = subresource === "" &&
    metadataInGeneration(resource).some((member) =>
      !jsonEquals(next.metadata[member] ?? {}, old.metadata[member] ?? {})
    );
  if (meant || !jsonEquals(now, before)) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function manage(
  engine: Engine,
  resource: Resource,
  subresource: string,
  options: WriteOptions,
  now: string,
  old: KubeObject,
  next: KubeObject,
): void {
  const given = next.metadata.managedFields ?? [];
  const untouched = given.length === 0 || jsonEquals(given, old.metadata.managedFields);
  const { managedFields } = old.metadata;
  if (untouched && sameContent(old, next)) {
    if (managedFields !== undefined) next.metadata.managedFields = managedFields;
    return;
  }
  const manager = managerFor(resource, subresource, options, "Update", now);
  const type = engine.schema.typeOf(resource);
  next.metadata.managedFields = fieldsAfterUpdate(old, next, type, manager, unownedFields(resource));
}

function sameContent(a: KubeObject, b: KubeObject): boolean {
  const content = (
    { metadata: { managedFields: _fields, resourceVersion: _version, ...metadata }, ...rest }: KubeObject,
  ) => inApiOrder({ ...rest, metadata } as unknown as KubeObject);
  return jsonEquals(content(a), content(b));
}

/** A marked object whose last finalizer goes is removed. */
function isFinished(resource: Resource, next: KubeObject, old: KubeObject): boolean {
  if (old.metadata.deletionTimestamp === undefined) return false;
  if ((next.metadata.finalizers ?? []).length > 0 || holdsDeletion(resource, next)) return false;
  return (next.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** Whether the entry lies in the store in a form that is no longer the one it would get: encrypted with an old key. */
async function lingers({ needsRewrite }: Engine, { resource, namespace, name }: Entry): Promise<boolean> {
  return needsRewrite !== undefined && await needsRewrite(objectKey(resource, namespace, name));
}
