/** Bodies of requests before their type is known: what they parse to, what they say they are, and refusals of both. */
import { ApiError } from "../../machines/objects/status.ts";
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { isObject } from "./go_walk.ts";
import { type JsonScan, JsonSyntaxError, maxDepth, parseJsonExactly, scanJson } from "./json_text.ts";
import { parseApiVersion } from "./kinds.ts";
import { parseYaml, YamlError } from "./yaml_text.ts";

const utf8 = new TextDecoder();
const jsonTypes = new Set(["", "application/json", "text/json", "*/*"]);
export const protobufType = "application/vnd.kubernetes.protobuf";
const unreadable = "couldn't get version/kind; json parse error";
const goHeader =
  `struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;

export interface Body {
  readonly value: unknown;
  readonly bytes: Uint8Array | undefined;
  /** The JSON text, for a second and exact look, and what the first look saw. */
  readonly json: { readonly text: string; readonly scan: JsonScan } | undefined;
  readonly yamlErrors: readonly string[];
}

/** The media type without parameters, in lower case. */
export function mediaType(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

/** @param accepted Media types to name in a refusal. @throws ApiError 400 and 415 in Kubernetes' words. */
export function parseBody(
  bytes: Uint8Array,
  contentType: string,
  expected: GroupVersionKind | undefined,
  accepted: readonly string[],
): Body {
  const type = mediaType(contentType);
  if (jsonTypes.has(type)) return parseJson(bytes, expected);
  if (type === "application/yaml") return parseYamlBody(bytes, expected);
  const text = "the body of the request was in an unknown format - accepted media types include";
  throw new ApiError(415, "UnsupportedMediaType", `${text}: ${accepted.join(", ")}`);
}

function parseJson(bytes: Uint8Array, expected: GroupVersionKind | undefined): Body {
  const text = utf8.decode(bytes);
  try {
    const value: unknown = JSON.parse(text);
    const scan = scanJson(text);
    if (scan.depth > maxDepth) throw unrecognized(expected, bytes, `${unreadable}: exceeded max depth`);
    return { value, bytes, json: { text, scan }, yamlErrors: [] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unrecognized(expected, bytes, syntaxText(text));
  }
}

function parseYamlBody(bytes: Uint8Array, expected: GroupVersionKind | undefined): Body {
  try {
    const { value, strictErrors } = parseYaml(utf8.decode(bytes));
    return { value, bytes, json: undefined, yamlErrors: strictErrors };
  } catch (error) {
    if (error instanceof YamlError) throw unrecognized(expected, bytes, error.message);
    throw error;
  }
}

function syntaxText(text: string): string {
  try {
    parseJsonExactly(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return `${unreadable}: ${error.message}`;
    throw error;
  }
  throw new Error(`Cannot tell what is wrong with JSON text: ${text.slice(0, 30)}`);
}

/** The body as an object; null counts as an empty one. @throws ApiError 400 for anything else. */
export function objectOf({ value, bytes }: Body, expected: GroupVersionKind | undefined): Record<string, unknown> {
  if (isObject(value)) return value;
  if (value === null) return {};
  const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const text = `json: cannot unmarshal ${what} into Go value of type ${goHeader}`;
  throw unrecognized(expected, bytes, `${unreadable}: ${text}`);
}

/** What the body says it is, completed by what was expected. */
export function kindOf(
  header: { apiVersion?: unknown; kind?: unknown },
  expected: GroupVersionKind | undefined,
  bytes: Uint8Array | undefined,
): GroupVersionKind {
  for (const name of ["apiVersion", "kind"] as const) {
    const value = header[name];
    if (value === undefined || value === null || typeof value === "string") continue;
    const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw unrecognized(
      expected,
      bytes,
      `${unreadable}: json: cannot unmarshal ${what} into Go struct field .${name} of type string`,
    );
  }
  const apiVersion = header.apiVersion as string | undefined || undefined;
  const kind = header.kind as string | undefined || undefined;
  if (apiVersion === undefined && expected === undefined) {
    throw unrecognized(expected, bytes, `Object 'apiVersion' is missing in '${utf8.decode(bytes)}'`);
  }
  if (kind === undefined && expected === undefined) {
    throw unrecognized(expected, bytes, `Object 'Kind' is missing in '${utf8.decode(bytes)}'`);
  }
  const parsed = apiVersion === undefined ? expected : parseApiVersion(apiVersion);
  if (parsed === undefined) {
    throw unrecognized(expected, bytes, `unexpected GroupVersion string: ${apiVersion}`);
  }
  return { group: parsed.group, version: parsed.version, kind: kind ?? expected?.kind ?? "" };
}

/** A body of which not even the kind is known. */
export function unrecognized(
  expected: GroupVersionKind | undefined,
  bytes: Uint8Array | undefined,
  text: string,
): ApiError {
  const must = expected === undefined ? "" : ` (must be of type ${expected.kind})`;
  return new ApiError(400, "BadRequest", `the object provided is unrecognized${must}: ${text} (${summary(bytes)})`);
}

function summary(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length === 0) return "<empty>";
  const start = bytes.subarray(0, 30);
  const text = bytes[0] === 0x7b ? utf8.decode(start) : start.toHex();
  return bytes.length > 30 ? `${text} ...` : text;
}
