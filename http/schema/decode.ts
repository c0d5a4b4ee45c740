/**
 * Bodies of requests to objects: JSON, YAML and Kubernetes' protobuf, with the refusals of a real API server. A body
 * without kind or apiVersion is what was expected; null means absent; unknown fields are dropped and named.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "../machinery/schema_access.ts";
import { type Body, kindOf, mediaType, objectOf, parseBody, protobufType, unrecognized } from "./body.ts";
import { DecodeFailure, type StrictError, Trace } from "./go_trace.ts";
import { findStruct, goKeyOf } from "./go_types.ts";
import { isObject, Walk } from "./go_walk.ts";
import { parseJsonExactly } from "./json_text.ts";
import { apiVersionOf, definitionOf } from "./kinds.ts";
import { decodeProtobuf, hasProtobufMagic } from "./protobuf_decode.ts";

const accepted = ["application/json", "application/yaml", protobufType];

/**
 * Strict errors are returned, not thrown: how they are refused depends on the request.
 *
 * @throws ApiError 400 and 415 in Kubernetes' words; where the kind is known, `cause` is the text after the last frame.
 */
export function decode(
  bytes: Uint8Array,
  contentType: string,
  expected: GroupVersionKind | undefined,
  validation: FieldValidation,
): Decoded {
  if (mediaType(contentType) === protobufType) return decodeBinary(bytes, expected);
  return decodeBody(parseBody(bytes, contentType, expected, accepted), expected, validation);
}

/** A value that was parsed before (a patch's outcome) as an object of its kind. @throws ApiError 400 */
export function decodeValueAs(value: unknown, expected: GroupVersionKind, validation: FieldValidation): Decoded {
  return decodeBody({ value, bytes: undefined, json: undefined, yamlErrors: [] }, expected, validation);
}

function decodeBinary(bytes: Uint8Array, expected: GroupVersionKind | undefined): Decoded {
  if (!hasProtobufMagic(bytes)) {
    throw unrecognized(
      expected,
      bytes,
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  }
  let kind: GroupVersionKind | undefined;
  try {
    const { value } = decodeProtobuf(bytes, (header) => {
      kind = kindOf(header, expected, bytes);
      return structFor(kind, expected).key;
    });
    return decodeBody({ value, bytes: undefined, json: undefined, yamlErrors: [] }, kind ?? expected, "Ignore");
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw cannotBeHandled(kind, expected, (error as Error).message, bytes);
  }
}

/** Three servers in one: each names its own table of kinds. */
function schemeOf({ group }: GroupVersionKind): string {
  if (group === "apiextensions.k8s.io") return "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55";
  if (group === "apiregistration.k8s.io") return "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28";
  return "pkg/api/legacyscheme/scheme.go:30";
}

function structFor(gvk: GroupVersionKind, expected: GroupVersionKind | undefined) {
  const name = definitionOf(gvk);
  const struct = name === undefined ? undefined : findStruct(goKeyOf(name));
  if (struct === undefined) {
    const where = `version "${apiVersionOf(gvk)}" in scheme "${schemeOf(expected ?? gvk)}"`;
    throw cannotBeHandled(gvk, expected, `no kind "${gvk.kind}" is registered for ${where}`, undefined);
  }
  if (expected === undefined) return struct;
  const wanted = definitionOf(expected);
  if (wanted === name) return struct;
  if (wanted !== undefined && gvk.kind !== expected.kind) {
    const [type, into] = [goNameOf(name ?? ""), internalNameOf(wanted)];
    throw cannotBeHandled(gvk, expected, `converting (${type}) to (${into}): unknown conversion`, undefined);
  }
  if (gvk.version !== expected.version || gvk.group !== expected.group) {
    throw new ApiError(
      400,
      "BadRequest",
      `the API version in the data (${apiVersionOf(gvk)}) does not match the expected API version (${
        apiVersionOf(expected)
      })`,
    );
  }
  return struct;
}

/** `v1.Pod`, and the name of the form that the server works with inside: `core.Pod`. */
function goNameOf(definition: string): string {
  return definition.split(".").slice(-2).join(".");
}

function internalNameOf(definition: string): string {
  const [name, , group] = definition.split(".").reverse();
  return `${group}.${name}`;
}

function decodeBody(body: Body, expected: GroupVersionKind | undefined, validation: FieldValidation): Decoded {
  const value = objectOf(body, expected);
  const gvk = kindOf(value, expected, body.bytes);
  const struct = structFor(gvk, expected);
  const scan = body.json?.scan;
  const walk = new Walk(validation !== "Ignore" && scan !== undefined);
  let object = walk.struct(struct, value);
  const twice = validation !== "Ignore" && scan !== undefined && scan.keys !== walk.keys;
  let strictErrors: string[] = [];
  if (!walk.clean || twice || scan?.oddNumbers === true || body.yamlErrors.length > 0) {
    const exact = body.json === undefined ? undefined : parseJsonExactly(body.json.text);
    const trace = new Trace(exact?.notes);
    const again = exact === undefined || !isObject(exact.value) ? value : exact.value;
    object = traced(trace, () => trace.struct(struct, again), gvk, expected, body.bytes);
    strictErrors = validation === "Ignore" ? [] : [...body.yamlErrors, ...inOrder(trace.strictErrors)];
  }
  if (object === value) object = { ...value };
  object.apiVersion = apiVersionOf(gvk);
  object.kind = gvk.kind;
  return { object: object as KubeObject, errors: strictErrors };
}

function traced(
  trace: Trace,
  walk: () => Record<string, unknown>,
  gvk: GroupVersionKind,
  expected: GroupVersionKind | undefined,
  bytes: Uint8Array | undefined,
): Record<string, unknown> {
  try {
    const object = walk();
    if (trace.saved !== undefined) throw trace.saved;
    return object;
  } catch (error) {
    if (error instanceof DecodeFailure) throw cannotBeHandled(gvk, expected, error.message, bytes);
    throw error;
  }
}

function inOrder(errors: readonly StrictError[]): string[] {
  return errors.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0)).map(({ text }) => text);
}

function cannotBeHandled(
  gvk: GroupVersionKind | undefined,
  expected: GroupVersionKind | undefined,
  text: string,
  bytes: Uint8Array | undefined,
): ApiError {
  if (gvk === undefined || gvk.kind === "") return unrecognized(expected, bytes, text);
  const into = expected?.kind ?? gvk.kind;
  const message = `${gvk.kind} in version "${gvk.version}" cannot be handled as a ${into}: ${text}`;
  const refusal = new ApiError(400, "BadRequest", message);
  // Patches say the same in another frame.
  refusal.cause = text;
  return refusal;
}
