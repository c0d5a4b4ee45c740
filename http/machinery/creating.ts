/** POST of a collection: an object comes into being. */
import { generatedName } from "../../machines/objects/generate_name.ts";
import { fieldsAfterUpdate, type Manager } from "../../machines/objects/managed_fields.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { validateObjectMeta } from "../resources/validation/metadata.ts";
import { type ApiReply, type ApiRequest, attributesOf, inApiOrder, timestamp } from "./api_request.ts";
import { decodeBody } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { alreadyExists, badRequest, internal, invalid, warning } from "./errors.ts";
import { type WriteOptions, writeOptions } from "./options.ts";
import { apiVersionOf, objectKey } from "./resource_registry.ts";
import { hasGeneration, unownedFields } from "./resource_facts.ts";
import { dryEntry, type Entry, entryOf, storedForm, writtenView } from "./stored_object.ts";
import type { AdmissionRequest, FieldError, Resource } from "./types.ts";

const nameAttempts = 8;

export async function create(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = writeOptions(request, "CreateOptions");
  const warnings: string[] = [];
  const object = decodeBody(engine, resource, request, options.fieldValidation, warnings);
  const entry = await createObject(engine, resource, request, object, options, warnings).catch((error: unknown) => {
    throw warning(error, warnings);
  });
  return { type: "object", code: 201, resource, entry, warnings };
}

/** The namespace of the URL is the object's, and may be repeated in it. */
export function settleNamespace(resource: Resource, object: KubeObject, namespace: string): void {
  const own = object.metadata.namespace ?? "";
  if (own === namespace) return;
  if (own !== "" || !resource.namespaced) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  object.metadata.namespace = namespace;
}

/** Everything between a decoded object and the store. `object` is the caller's to lose. */
export async function createObject(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  object: KubeObject,
  options: WriteOptions,
  warnings: string[],
): Promise<Entry> {
  settleNamespace(resource, object, request.namespace);
  const { metadata } = object;
  if ((metadata.resourceVersion ?? "") !== "") {
    throw internal("resourceVersion should not be set on objects to be created");
  }
  const prefix = metadata.generateName ?? "";
  const generates = prefix !== "" && (metadata.name ?? "") === "";
  for (let attempt = 1;; attempt++) {
    const draft = attempt === 1 ? object : { ...object, metadata: { ...object.metadata } };
    if (generates) draft.metadata.name = generatedName(prefix, () => engine.random.next());
    try {
      return await createOnce(engine, resource, request, draft, options, warnings);
    } catch (error) {
      const taken = error instanceof ApiError && error.reason === "AlreadyExists";
      if (!generates || !taken || attempt >= nameAttempts) throw error;
    }
  }
}

async function createOnce(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  object: KubeObject,
  options: WriteOptions,
  warnings: string[],
): Promise<Entry> {
  const { strategy } = resource;
  const now = timestamp(engine.clock.wallTime());
  strategy.setDefaults?.(object);
  const { metadata } = object;
  const manager = managerFor(resource, "", options, "Update", now);
  const type = engine.schema.typeOf(resource);
  metadata.managedFields = fieldsAfterUpdate(undefined, object, type, manager, unownedFields(resource));
  const admission: AdmissionRequest = {
    attributes: { ...attributesOf(request), name: metadata.name ?? "" },
    operation: "CREATE",
    resource,
    dryRun: options.dryRun,
    object,
    old: undefined,
    options,
    warn: (text) => void warnings.push(text),
    annotate: request.audit?.annotate,
  };
  return await admitAndStore(engine, request, admission, now);
}

/** Admission, strategy and store of a new object whose fields are managed already. */
export async function admitAndStore(
  engine: Engine,
  request: ApiRequest,
  admission: AdmissionRequest,
  now: string,
): Promise<Entry> {
  const { resource, dryRun } = admission;
  const { strategy } = resource;
  const object = await engine.admission.admit(admission) ?? admission.object!;
  strategy.setDefaults?.(object);
  const context = { now, user: request.user, subresource: "" };
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  metadata.uid = engine.random.uuid();
  metadata.creationTimestamp = now;
  strategy.prepareForCreate?.(object, context);
  if (hasGeneration(resource, object)) metadata.generation = 1;
  const rules = strategy.validateName === undefined
    ? { namespaced: resource.namespaced }
    : { namespaced: resource.namespaced, validateName: strategy.validateName.bind(strategy) };
  const errors = [
    ...validateObjectMeta(metadata, rules),
    ...finalizerErrors(metadata.finalizers),
    ...strategy.validate?.(object, context) ?? [],
  ];
  if (errors.length > 0) throw invalid(resource.group, resource.kind, metadata.name ?? "", errors);
  for (const text of strategy.warnings?.(object, undefined) ?? []) admission.warn(text);
  await engine.admission.validate(admission);
  return await storeNew(engine, resource, inApiOrder(object), dryRun);
}

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** A finalizer is one that Kubernetes knows, or belongs to somebody's domain. */
function finalizerErrors(finalizers: readonly string[] = []): FieldError[] {
  return finalizers.flatMap((finalizer, index): FieldError[] => {
    if (finalizer.includes("/") || standardFinalizers.has(finalizer)) return [];
    const why = "name is neither a standard finalizer name nor is it fully qualified";
    const message = `Invalid value: ${JSON.stringify(finalizer)}: ${why}`;
    return [{ reason: "FieldValueInvalid", field: `metadata.finalizers[${index}]`, message }];
  });
}

async function storeNew(engine: Engine, resource: Resource, object: KubeObject, dryRun: boolean): Promise<Entry> {
  const stored = engine.registry.storageOf(resource);
  const form = await storedForm(resource, object);
  const { name, namespace = "" } = object.metadata;
  const key = objectKey(stored, namespace, name);
  const draft = entryOf(stored, form, 0);
  if (dryRun) {
    if (await engine.cache.reach(await engine.cache.latest(), 3_000) && engine.cache.of(stored).get(namespace, name)) {
      throw alreadyExists(resource, name);
    }
    return dryEntry(resource, object);
  }
  engine.cache.remember(draft.value, form);
  const lease = await engine.leases.for(stored);
  const result = await engine.storage.txn({
    compare: [{ key, target: "createRevision", op: "=", value: 0 }],
    success: [{ type: "put", key, value: draft.value, ...(lease === undefined ? {} : { lease }) }],
    failure: [],
  });
  if (!result.succeeded) throw alreadyExists(resource, name);
  return writtenView(entryOf(stored, form, result.revision, draft.value), resource, object);
}

/** Who writes, as `managedFields` names it. */
export function managerFor(
  resource: Resource,
  subresource: string,
  { fieldManager }: WriteOptions,
  operation: "Update" | "Apply",
  now: string,
): Manager {
  const time = subresource === "scale" ? undefined : now;
  return { name: fieldManager, operation, apiVersion: apiVersionOf(resource), subresource, now: time };
}
