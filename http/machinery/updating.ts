/** PUT, and the loop by which everything that changes an object is written with optimistic concurrency. */
import { copyJson } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiReply, ApiRequest } from "./api_request.ts";
import { attemptChange, type Judge, type Produce } from "./change_attempt.ts";
import { createObject, settleNamespace } from "./creating.ts";
import { decodeBody } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { badRequest, conflict, notFound, objectModified } from "./errors.ts";
import { type WriteOptions, writeOptions } from "./options.ts";
import { objectKey } from "./resource_registry.ts";
import { Entry, entryOf, writtenView } from "./stored_object.ts";
import type { Resource } from "./types.ts";

export async function update(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = writeOptions(request, "UpdateOptions");
  const warnings: string[] = [];
  const sent = decodeBody(engine, resource, request, options.fieldValidation, warnings);
  checkName(sent, request.name);
  settleNamespace(resource, sent, request.namespace);
  let entry: Entry;
  let code = 200;
  try {
    entry = await change(engine, resource, request, options, warnings, () => copyJson(sent));
  } catch (error) {
    const absent = error instanceof ApiError && error.reason === "NotFound" &&
      error.status.details?.name === request.name && error.status.details?.kind === resource.resource;
    if (!absent || resource.strategy.allowCreateOnUpdate !== true || request.subresource !== "") throw error;
    entry = await createObject(engine, resource, request, copyJson(sent), options, warnings);
    code = 201;
  }
  return { type: "object", code, resource, entry, warnings };
}

/** The name of the URL must be the object's. */
export function checkName(object: KubeObject, name: string): void {
  const own = object.metadata.name ?? "";
  if (own === "") {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (own !== name) throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}

const maxAttempts = 64;

/**
 * Reads, changes, judges and writes an object until nobody interfered. Admission and validation run again in every
 * attempt. The first attempt starts from the cache; a refusal that stale data may have caused is checked against the
 * store.
 *
 * @param manages false: `produce` has settled `managedFields` itself.
 */
export async function change(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: WriteOptions,
  warnings: string[],
  produce: Produce,
  manages = true,
  judge: Judge = attemptChange,
): Promise<Entry> {
  const stored = engine.registry.storageOf(resource);
  const { namespace, name } = request;
  const key = objectKey(stored, namespace, name);
  let current = engine.cache.of(stored).get(namespace, name);
  let fresh = false;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (current === undefined) {
      if (fresh) throw notFound(resource, name);
      current = await readEntry(engine, stored, namespace, name);
      fresh = true;
      if (current === undefined) throw notFound(resource, name);
    }
    const said: string[] = [];
    const seen: Entry = current;
    try {
      const outcome = await judge(engine, resource, request, options, said, produce, manages, seen);
      if ("entry" in outcome) {
        warnings.push(...said);
        return outcome.entry;
      }
      const result = await engine.storage.txn({
        compare: [{ key, target: "modRevision", op: "=", value: seen.revision }],
        success: [
          outcome.remove
            ? { type: "delete", key }
            : { type: "put", key, value: outcome.draft.value, ...await leaseOf(engine, stored) },
        ],
        failure: [{ type: "range", key }],
      });
      if (result.succeeded) {
        warnings.push(...said);
        const revision = outcome.remove ? seen.revision : result.revision;
        return writtenView(entryOf(stored, outcome.form, revision, outcome.draft.value), resource, outcome.next);
      }
      const [found] = result.results;
      const kv = found?.type === "range" ? found.kvs[0] : undefined;
      current = kv === undefined ? undefined : new Entry(stored, namespace, name, kv.modRevision, kv.value);
      fresh = true;
    } catch (error) {
      if (fresh || !(error instanceof ApiError)) throw error;
      // The cache may have been behind: judge again on what is really stored, if that is something else.
      const live = await readEntry(engine, stored, namespace, name);
      fresh = true;
      if (live !== undefined && live.revision === seen.revision) throw error;
      current = live;
    }
  }
  throw conflict(resource, name, objectModified);
}

async function leaseOf(engine: Engine, stored: Resource): Promise<{ lease?: number }> {
  const lease = await engine.leases.for(stored);
  return lease === undefined ? {} : { lease };
}

export async function readEntry(
  engine: Engine,
  stored: Resource,
  namespace: string,
  name: string,
): Promise<Entry | undefined> {
  const { kvs: [kv] } = await engine.storage.range({ key: objectKey(stored, namespace, name) });
  return kv === undefined ? undefined : new Entry(stored, namespace, name, kv.modRevision, kv.value);
}
