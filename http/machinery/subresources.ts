/** Requests for a subresource: run as an update of the object, as a Scale, by a handler, or handed to the streams. */
import { copyJson } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { plainChange } from "./change_attempt.ts";
import { type ApiReply, type ApiRequest, attributesOf, timestamp } from "./api_request.ts";
import { connectOptions, queryOf } from "./connect_options.ts";
import { decodeBody } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { methodNotAllowed, unknownResource } from "./errors.ts";
import { isStream } from "./lasting.ts";
import { writeOptions } from "./options.ts";
import { patch } from "./patching.ts";
import { get } from "./reading.ts";
import { scale } from "./scale.ts";
import type { AdmissionRequest, Resource, Subresource, SubresourceRequest } from "./types.ts";
import { change, update } from "./updating.ts";

export async function subresource(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const row = engine.registry.subresource(request);
  if (row === undefined) throw unknownResource();
  if (!row.verbs.includes(request.verb)) throw methodNotAllowed();
  if (row.handle !== undefined) {
    const warnings: string[] = [];
    const handled = await handle(engine, resource, request, row.kind ?? resource, warnings);
    const value = await row.handle(handled);
    return { type: "value", code: request.verb === "create" ? 201 : 200, value, warnings };
  }
  if (isStream(request.subresource)) {
    if (request.subresource === "log") return { type: "connect", resource, request };
    return { type: "connect", resource, request: await admitConnection(engine, resource, row, request) };
  }
  if (request.subresource === "scale") return await scale(engine, resource, request);
  switch (request.verb) {
    case "get":
      return await get(engine, resource, request);
    case "update":
      return await update(engine, resource, request);
    case "patch":
      return await patch(engine, resource, request);
    default:
      throw methodNotAllowed();
  }
}

/** A resource that is answered, not stored (reviews). */
export async function answer(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const warnings: string[] = [];
  const handled = await handle(engine, resource, request, resource, warnings);
  const value = await resource.answer!(handled);
  if (request.verb === "create") return { type: "value", code: 201, value, warnings };
  return { type: "value", code: 200, value, warnings, rowsOf: resource };
}

async function handle(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  kind: { readonly group: string; readonly version: string; readonly kind: string },
  warnings: string[],
): Promise<SubresourceRequest> {
  const creates = request.verb === "create";
  const options = writeOptions(request, creates ? "CreateOptions" : "UpdateOptions");
  let body: KubeObject | undefined;
  if (request.body !== undefined) {
    body = decodeBody(engine, resource, request, options.fieldValidation, warnings, kind);
  }
  if (creates) {
    const admission: AdmissionRequest = {
      attributes: attributesOf(request),
      operation: "CREATE",
      resource,
      dryRun: options.dryRun,
      object: body,
      old: undefined,
      options,
      warn: (text) => void warnings.push(text),
      annotate: request.audit?.annotate,
    };
    body = await engine.admission.admit(admission) ?? body;
    await engine.admission.validate(admission);
  }
  return {
    attributes: attributesOf(request),
    resource,
    namespace: request.namespace,
    name: request.name,
    body,
    query: request.query,
    dryRun: options.dryRun,
    now: timestamp(engine.clock.wallTime()),
    client: engine.client,
    update: async (alter) => {
      const entry = await change(
        engine,
        resource,
        request,
        options,
        warnings,
        (old) => {
          const next = copyJson(old);
          alter(next);
          return next;
        },
        false,
        plainChange,
      );
      return entry.frozen;
    },
  };
}

/** The request as admission leaves it. */
async function admitConnection(
  engine: Engine,
  resource: Resource,
  { kind }: Subresource,
  request: ApiRequest,
): Promise<ApiRequest> {
  const { query, rest = "" } = request;
  const object = kind === undefined ? undefined : connectOptions(kind.kind, query, rest);
  const admission: AdmissionRequest = {
    attributes: attributesOf(request),
    operation: "CONNECT",
    resource,
    dryRun: false,
    object,
    old: undefined,
    warn: () => {},
    annotate: request.audit?.annotate,
  };
  const admitted = await engine.admission.admit(admission);
  await engine.admission.validate(admission);
  // A proxied path is what its client asked for, and its query belongs to the server behind.
  if (admitted === object || admitted === undefined || request.subresource === "proxy") return request;
  return { ...request, query: queryOf(admitted) };
}
