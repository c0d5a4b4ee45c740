/** DELETE: grace periods, preconditions, finalizers and propagation (docs "Finalizers", "Garbage Collection"). */
import { copyJson, isObject } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import { type ApiReply, type ApiRequest, attributesOf, inApiOrder, timestamp } from "./api_request.ts";
import type { Engine } from "./engine.ts";
import { badRequest, conflict, notFound, objectModified, warning } from "./errors.ts";
import { type DeleteOptions, deleteOptions, listOptions } from "./options.ts";
import { listPage } from "./reading.ts";
import {
  defaultPropagation,
  deletionWarnings,
  holdsDeletion,
  isNamespace,
  prepareForDelete,
  returnsDeletedObject,
} from "./resource_facts.ts";
import { objectKey } from "./resource_registry.ts";
import { parseSelection } from "./selection.ts";
import { dryEntry, type Entry, entryOf, storedForm, viewOf, writtenView } from "./stored_object.ts";
import type { Resource, StrategyContext } from "./types.ts";
import { readEntry } from "./updating.ts";

const maxAttempts = 64;
/** Objects of a collection that are deleted together: their writes share a disk sync. */
const removedAtOnce = 32;
const foreground = "foregroundDeletion";
const orphan = "orphan";

export async function remove(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = deleteOptions(request.query, deleteBody(engine, request));
  const warnings = options.propagationPolicy === undefined ? deletionWarnings(resource) : [];
  const outcome = await removeObject(engine, resource, request, options, warnings).catch((error: unknown) => {
    throw warning(error, warnings);
  });
  if (!outcome.gone || returnsDeletedObject(resource)) {
    const waits = !outcome.gone && options.orphanDependents === false;
    return { type: "object", code: waits ? 202 : 200, resource, entry: outcome.entry, warnings };
  }
  return { type: "value", code: 200, value: success(resource, outcome.entry), warnings };
}

function success(resource: Resource, { object }: Entry): Status {
  const { name, uid } = object.metadata;
  const group = resource.group === "" ? {} : { group: resource.group };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...group, kind: resource.resource, uid },
  };
}

/** `DeleteOptions` of the body, when there is one. */
function deleteBody(engine: Engine, request: ApiRequest): Record<string, unknown> | undefined {
  const options = decodedOptions(engine, request);
  if (options !== undefined) request.audit?.bodySent(options);
  return options;
}

function decodedOptions(engine: Engine, { body, group, version }: ApiRequest): Record<string, unknown> | undefined {
  if (body === undefined) return undefined;
  if ("value" in body) return isObject(body.value) ? body.value : undefined;
  if (body.bytes.length === 0) return undefined;
  const type = body.contentType.split(";")[0]!.trim();
  if (type !== "" && type !== "application/json") {
    const expected = { group: "", version: "v1", kind: "DeleteOptions" };
    return engine.schema.decode(body.bytes, body.contentType, expected, "Ignore").object;
  }
  let options: unknown;
  try {
    options = JSON.parse(new TextDecoder().decode(body.bytes));
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
  if (!isObject(options)) throw badRequest("couldn't get version/kind; json parse error: the body is no object");
  const kind = options.kind ?? "DeleteOptions";
  if (kind !== "DeleteOptions") {
    const gv = group === "" ? version : `${group}/${version}`;
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(gv)}`);
  }
  return options;
}

interface Removal {
  /** The object as it is now, or was at last. */
  readonly entry: Entry;
  readonly gone: boolean;
}

async function removeObject(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: DeleteOptions,
  warnings: string[],
): Promise<Removal> {
  const stored = engine.registry.storageOf(resource);
  const { namespace, name } = request;
  const key = objectKey(stored, namespace, name);
  let current = engine.cache.of(stored).get(namespace, name);
  let fresh = false;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    current ??= await readEntry(engine, stored, namespace, name);
    if (current === undefined) throw notFound(resource, name);
    const seen = current;
    try {
      const old = viewOf(seen, resource).object;
      checkPreconditions(resource, old, options);
      await admit(engine, resource, request, options, old, warnings);
      const context = { now: timestamp(engine.clock.wallTime()), user: request.user, subresource: "" };
      const plan = planRemoval(resource, old, options, context, engine.clock.wallTime());
      if (plan.unchanged) return { entry: viewOf(seen, resource), gone: false };
      const next = inApiOrder(plan.object);
      if (options.dryRun) return { entry: dryEntry(resource, next), gone: plan.gone };
      const form = await storedForm(resource, next);
      const draft = entryOf(stored, form, 0);
      if (!plan.gone) engine.cache.remember(draft.value, form);
      const result = await engine.storage.txn({
        compare: [{ key, target: "modRevision", op: "=", value: seen.revision }],
        success: [plan.gone ? { type: "delete", key } : { type: "put", key, value: draft.value }],
        failure: [],
      });
      if (result.succeeded) {
        const entry = writtenView(entryOf(stored, form, result.revision, draft.value), resource, next);
        return { entry, gone: plan.gone };
      }
      current = undefined;
      fresh = true;
    } catch (error) {
      if (fresh || !(error instanceof ApiError)) throw error;
      fresh = true;
      current = await readEntry(engine, stored, namespace, name);
      if (current !== undefined && current.revision === seen.revision) throw error;
    }
  }
  throw conflict(resource, name, objectModified);
}

async function admit(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: DeleteOptions,
  old: KubeObject,
  warnings: string[],
): Promise<void> {
  const admission = {
    attributes: attributesOf(request),
    operation: "DELETE" as const,
    resource,
    dryRun: options.dryRun,
    object: undefined,
    old,
    options,
    warn: (text: string) => void warnings.push(text),
    annotate: request.audit?.annotate,
  };
  await engine.admission.admit(admission);
  await engine.admission.validate(admission);
}

function checkPreconditions(resource: Resource, old: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions;
  // Messages speak of the kind that is stored.
  const spoken = { group: resource.storedAs?.group ?? resource.group, resource: resource.kind };
  const { name, uid: ownUid, resourceVersion: ownVersion } = old.metadata;
  if (uid !== undefined && uid !== ownUid && isNamespace(resource)) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${ownUid}`;
    throw conflict(resource, name, why);
  }
  if (uid !== undefined && uid !== ownUid) {
    throw conflict(
      spoken,
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${ownUid}). The object might have been ` +
        "deleted and then recreated",
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== ownVersion) {
    throw conflict(
      spoken,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
        `(${ownVersion}). The object might have been modified`,
    );
  }
}

interface Plan {
  readonly object: KubeObject;
  readonly gone: boolean;
  readonly unchanged: boolean;
}

/** What a deletion makes of the object: gone, marked, marked sooner, or nothing new. */
function planRemoval(
  resource: Resource,
  old: KubeObject,
  options: DeleteOptions,
  context: StrategyContext,
  nowMs: number,
): Plan {
  const object = copyJson(old);
  const { metadata } = object;
  const marked = metadata.deletionTimestamp !== undefined;
  metadata.finalizers = finalizersFor(resource, metadata.finalizers ?? [], options);
  const held = metadata.finalizers.length > 0 || holdsDeletion(resource, object);
  const finalizersChanged = metadata.finalizers.join() !== (old.metadata.finalizers ?? []).join();
  const grace = gracePeriod(resource, old, options);
  const mark = (seconds: number, at: number) => {
    metadata.deletionTimestamp = timestamp(at + seconds * 1000);
    if (!isNamespace(resource)) metadata.deletionGracePeriodSeconds = seconds;
  };
  if (marked) {
    const before = metadata.deletionGracePeriodSeconds ?? 0;
    if (grace < before) {
      const start = Date.parse(metadata.deletionTimestamp!) - before * 1000;
      mark(grace, start);
      return { object, gone: grace === 0 && !held, unchanged: false };
    }
    const done = before === 0 && !held;
    return { object, gone: done, unchanged: !done && !finalizersChanged };
  }
  // What goes at once without any grace was never marked.
  if (!held && resource.strategy.defaultGracePeriodSeconds === undefined) {
    return { object: old, gone: true, unchanged: false };
  }
  mark(grace, nowMs);
  if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation += 1;
  prepareForDelete(resource, object, context);
  return { object, gone: grace === 0 && !held, unchanged: false };
}

function gracePeriod({ strategy }: Resource, old: KubeObject, { gracePeriodSeconds: asked }: DeleteOptions): number {
  if (strategy.defaultGracePeriodSeconds === undefined) return 0;
  const marked = old.metadata.deletionTimestamp !== undefined;
  // A second deletion that asks for nothing changes nothing.
  if (marked && asked === undefined) return old.metadata.deletionGracePeriodSeconds ?? 0;
  const usual = strategy.defaultGracePeriodSeconds(old);
  // What needs no grace (a pod that is on no node) gets none, whatever is asked.
  const seconds = usual === 0 && !marked ? 0 : asked ?? usual;
  return seconds < 0 ? 1 : seconds;
}

function finalizersFor(resource: Resource, present: readonly string[], options: DeleteOptions): string[] {
  const policy = options.propagationPolicy ?? inherited(present) ?? defaultPropagation(resource);
  const kept = present.filter((finalizer) => finalizer !== orphan && finalizer !== foreground);
  if (policy === "Orphan") kept.push(orphan);
  if (policy === "Foreground") kept.push(foreground);
  return kept;
}

/** A finalizer that is there already says how, when the request does not. */
function inherited(finalizers: readonly string[]): string | undefined {
  return finalizers.includes(orphan) ? "Orphan" : finalizers.includes(foreground) ? "Foreground" : undefined;
}

export async function removeCollection(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = deleteOptions(request.query, deleteBody(engine, request));
  const filter = listOptions(request.query, false);
  const selection = parseSelection(resource, filter.labelSelector, filter.fieldSelector);
  const page = await listPage(engine, selection, request.namespace, filter);
  const removeOne = async ({ namespace, name }: Entry) => {
    try {
      await removeObject(engine, resource, { ...request, namespace, name }, options, []);
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    }
  };
  for (let at = 0; at < page.entries.length; at += removedAtOnce) {
    await Promise.all(page.entries.slice(at, at + removedAtOnce).map(removeOne));
  }
  return { type: "list", resource, ...page };
}
