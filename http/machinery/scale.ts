/** The `scale` subresource (autoscaling/v1 Scale) of whatever has `spec.replicas`. */
import { isObject } from "../../machines/objects/json.ts";
import { formatSelector, type LabelSelectorObject, requirementsOf } from "../../machines/objects/label_selector.ts";
import { copyJson } from "../../machines/objects/json.ts";
import { applyConfiguration } from "../../machines/objects/managed_fields.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { type ApiReply, type ApiRequest, timestamp } from "./api_request.ts";
import { managerFor } from "./creating.ts";
import { decodeBody } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { badRequest, invalid } from "./errors.ts";
import { writeOptions } from "./options.ts";
import { parsePatchBody } from "./patch_body.ts";
import { applyConflict, patched } from "./patching.ts";
import { getEntry } from "./reading.ts";
import { apiVersionOf } from "./resource_registry.ts";
import type { Resource } from "./types.ts";
import { change, checkName } from "./updating.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };

/** The Scale of an object. */
export function scaleOf(object: KubeObject, { scalePaths }: Resource): KubeObject {
  const { metadata } = object;
  const replicas = memberAt(object, scalePaths?.replicas ?? replicasPath);
  const current = memberAt(object, scalePaths?.statusReplicas ?? statusReplicasPath);
  const selector = scalePaths === undefined
    ? selectorText(memberAt(object, ["spec", "selector"]))
    : String(memberAt(object, scalePaths.selector ?? []) ?? "");
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined || replicas === 0 ? {} : { replicas },
    status: {
      replicas: current ?? 0,
      ...(selector === "" ? {} : { selector }),
    },
  };
}

/** The object as a changed Scale of it says. */
export function withScale(object: KubeObject, scale: KubeObject, { scalePaths }: Resource): KubeObject {
  const { replicas } = (scale.spec ?? {}) as { replicas?: number };
  return withMember(copyJson(object), scalePaths?.replicas ?? replicasPath, replicas ?? 0);
}

const replicasPath = ["spec", "replicas"];
const statusReplicasPath = ["status", "replicas"];

function memberAt(object: unknown, path: readonly string[]): unknown {
  if (path.length === 0) return undefined;
  return path.reduce<unknown>((found, name) => isObject(found) ? found[name] : undefined, object);
}

function withMember(object: KubeObject, path: readonly string[], value: unknown): KubeObject {
  const [name = "", ...rest] = path;
  const inner = rest.length === 0 ? value : withMember((object[name] ?? {}) as KubeObject, rest, value);
  return { ...object, [name]: inner };
}

/** A replication controller's selector is a plain map. */
function selectorText(selector: unknown): string {
  if (!isObject(selector)) return "";
  const plain = !("matchLabels" in selector) && !("matchExpressions" in selector);
  const object = (plain ? { matchLabels: selector } : selector) as LabelSelectorObject;
  return formatSelector(requirementsOf(object) ?? []);
}

export async function scale(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  if (request.verb === "get") {
    const entry = await getEntry(engine, resource, request.namespace, request.name);
    return { type: "value", code: 200, value: scaleOf(entry.object, resource), warnings: [] };
  }
  const patches = request.verb === "patch";
  const options = writeOptions(request, patches ? "PatchOptions" : "UpdateOptions");
  const warnings: string[] = [];
  const kind = request.patchType ?? "merge";
  const body = patches ? parsePatchBody(request, kind) : undefined;
  const sent = patches
    ? undefined
    : decodeBody(engine, resource, request, options.fieldValidation, warnings, scaleKind);
  const applies = patches && kind === "apply";
  const entry = await change(engine, resource, request, options, warnings, (old) => {
    const before = scaleOf(old, resource);
    const wanted = sent ??
      (applies ? body : patched(engine, { ...resource, ...scaleKind }, kind, before, body)) as KubeObject;
    checkName(wanted, request.name);
    if (wanted.apiVersion !== undefined && wanted.apiVersion !== "autoscaling/v1") {
      throw badRequest(`invalid object type: ${wanted.apiVersion}, Kind=${wanted.kind}`);
    }
    const replicas = replicasOf(wanted, request.name);
    if (applies) return applyReplicas(engine, resource, request, options, old, replicas);
    const next = withMember(copyJson(old), resource.scalePaths?.replicas ?? replicasPath, replicas);
    const { uid, resourceVersion } = wanted.metadata;
    next.metadata.resourceVersion = resourceVersion ?? "";
    if (uid !== undefined) next.metadata.uid = uid;
    return next;
  }, !applies);
  return { type: "value", code: 200, value: scaleOf(entry.object, resource), warnings };
}

function replicasOf(scale: KubeObject, name: string): number {
  const replicas = (scale.spec as { replicas?: number } | undefined)?.replicas ?? 0;
  if (replicas >= 0) return replicas;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalid("autoscaling", "Scale", name, [{ reason: "FieldValueInvalid", field: "spec.replicas", message }]);
}

function applyReplicas(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  options: ReturnType<typeof writeOptions>,
  old: KubeObject,
  replicas: number,
): KubeObject {
  const now = timestamp(engine.clock.wallTime());
  const configuration = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name: request.name } as KubeObject["metadata"],
  };
  const scaled = withMember(configuration, resource.scalePaths?.replicas ?? replicasPath, replicas);
  const manager = managerFor(resource, "scale", options, "Apply", now);
  const type = engine.schema.typeOf(resource);
  const result = applyConfiguration(old, scaled, type, manager, { force: options.force, unowned: ["status"] });
  if (result.conflicts.length > 0) throw applyConflict(result.conflicts);
  return result.object;
}
