/** PATCH: JSON patch, merge patch, strategic merge patch, server-side apply. */
import { jsonPatch } from "../../machines/objects/json_patch.ts";
import { isObject, type JsonObject } from "../../machines/objects/json.ts";
import { applyConfiguration, type Conflict } from "../../machines/objects/managed_fields.ts";
import { mergePatch } from "../../machines/objects/merge_patch.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { PatchError } from "../../machines/objects/patch_error.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { strategicMergePatch } from "../../machines/objects/strategic_merge_patch.ts";
import type { PatchType } from "../../ports/api_client.ts";
import { type ApiReply, type ApiRequest, attributesOf, timestamp } from "./api_request.ts";
import { admitAndStore, managerFor, settleNamespace } from "./creating.ts";
import { decodePatched } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { badRequest, internal, unprocessablePatch } from "./errors.ts";
import { type WriteOptions, writeOptions } from "./options.ts";
import { parsePatchBody } from "./patch_body.ts";
import { unownedFields } from "./resource_facts.ts";
import { apiVersionOf } from "./resource_registry.ts";
import type { Entry } from "./stored_object.ts";
import type { Resource } from "./types.ts";
import { change, checkName } from "./updating.ts";

/** The patched form of a value; the value is not changed. @throws ApiError */
export function patched(
  engine: Engine,
  resource: Resource,
  kind: PatchType,
  value: KubeObject,
  patch: unknown,
): unknown {
  try {
    if (kind === "json") return jsonPatch(value, patch);
    if (!isObject(patch)) throw new PatchError(400, "error decoding patch: the patch is no object");
    if (kind === "merge") return mergePatch(value, patch);
    return strategicMergePatch(value as unknown as JsonObject, patch, engine.schema.typeOf(resource));
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.code === 422) throw unprocessablePatch();
    if (error.code === 500) throw internal(error.message);
    if (error.code === 413) throw new ApiError(413, "RequestEntityTooLarge", error.message);
    throw badRequest(error.message);
  }
}

/** Strategic merges go by types that are built in. */
function unsupportedPatch(): ApiError {
  const text = "the body of the request was in an unknown format - accepted media types include: " +
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
  return new ApiError(415, "UnsupportedMediaType", text);
}

export async function patch(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = writeOptions(request, "PatchOptions");
  const warnings: string[] = [];
  const kind = request.patchType ?? "merge";
  if (kind === "strategic" && resource.custom === true) throw unsupportedPatch();
  const body = parsePatchBody(request, kind);
  request.audit?.bodySent(body);
  if (kind === "apply") return await apply(engine, resource, request, options, warnings, body);
  const entry = await change(engine, resource, request, options, warnings, (old) => {
    const value = patched(engine, resource, kind, old, body);
    const next = decodePatched(engine, resource, value, body, kind, options.fieldValidation, warnings);
    checkName(next, request.name);
    settleNamespace(resource, next, request.namespace);
    return next;
  });
  return { type: "object", code: 200, resource, entry, warnings };
}

async function apply(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: WriteOptions,
  warnings: string[],
  body: unknown,
): Promise<ApiReply> {
  const configuration = checkConfiguration(engine, resource, body);
  const now = timestamp(engine.clock.wallTime());
  const type = engine.schema.typeOf(resource);
  const manager = managerFor(resource, request.subresource, options, "Apply", now);
  const unowned = unownedFields(resource);
  const applied = (live: KubeObject | undefined) => {
    const result = applyConfiguration(live, configuration, type, manager, { force: options.force, unowned });
    if (result.conflicts.length > 0) throw applyConflict(result.conflicts);
    const next = decodePatched(engine, resource, result.object, body, "apply", options.fieldValidation, warnings);
    checkName(next, request.name);
    settleNamespace(resource, next, request.namespace);
    return next;
  };
  for (let attempt = 1;; attempt++) {
    try {
      const entry = await change(engine, resource, request, options, warnings, applied, false);
      return { type: "object", code: 200, resource, entry, warnings };
    } catch (error) {
      const absent = error instanceof ApiError && error.reason === "NotFound" && request.subresource === "" &&
        error.status.details?.kind === resource.resource && error.status.details?.name === request.name;
      if (!absent) throw error;
    }
    try {
      const entry = await createApplied(engine, resource, request, options, warnings, applied(undefined), now);
      return { type: "object", code: 201, resource, entry, warnings };
    } catch (error) {
      // Somebody else created it meanwhile: then it is applied to that.
      if (!(error instanceof ApiError) || error.reason !== "AlreadyExists" || attempt > 3) throw error;
    }
  }
}

async function createApplied(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: WriteOptions,
  warnings: string[],
  object: KubeObject,
  now: string,
): Promise<Entry> {
  resource.strategy.setDefaults?.(object);
  return await admitAndStore(engine, request, {
    attributes: { ...attributesOf(request), verb: "create" },
    operation: "CREATE",
    resource,
    dryRun: options.dryRun,
    object,
    old: undefined,
    options,
    warn: (text) => void warnings.push(text),
    annotate: request.audit?.annotate,
  }, now);
}

/** An applied configuration must be of the right type and name only fields there are. */
function checkConfiguration(engine: Engine, resource: Resource, body: unknown): KubeObject {
  if (!isObject(body)) throw badRequest("error decoding YAML: the configuration is no object");
  const configuration = body as unknown as KubeObject;
  const apiVersion = apiVersionOf(resource);
  if (configuration.apiVersion !== apiVersion || configuration.kind !== resource.kind) {
    throw badRequest(`invalid object type: ${String(configuration.apiVersion)}, Kind=${String(configuration.kind)}`);
  }
  if (configuration.metadata?.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const { errors } = engine.schema.decodeValue(structuredClone(body), resource, "Strict");
  const unknown = errors.map((text) => /^unknown field "(.*)"$/.exec(text)?.[1]).filter((path) => path !== undefined);
  if (unknown.length > 0) {
    // As the configuration names itself: a client may leave the namespace to the path.
    const { namespace = "", name = "" } = configuration.metadata ?? {};
    const kind = `${resource.group === "" ? "/" : ""}${apiVersion}, Kind=${resource.kind}`;
    throw internal(
      `failed to create typed patch object (${namespace}/${name}; ${kind}): ` +
        unknown.map((path) => `.${path}: field not declared in schema`).join("\n"),
    );
  }
  return { ...configuration, metadata: configuration.metadata ?? {} as KubeObject["metadata"] };
}

export function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map(({ owner, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${owner}`,
    field: path,
  }));
  const [first] = conflicts;
  let text: string;
  if (conflicts.length === 1) text = `Apply failed with 1 conflict: conflict with ${first!.owner}: ${first!.path}`;
  else {
    const lines: string[] = [];
    for (const owner of [...new Set(conflicts.map((conflict) => conflict.owner))].sort()) {
      lines.push(`conflicts with ${owner}:`);
      for (const conflict of conflicts) if (conflict.owner === owner) lines.push(`- ${conflict.path}`);
    }
    text = `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
  }
  return new ApiError(409, "Conflict", text, { causes });
}
