/** Request bodies into objects, with what strict decoding says of them. */
import { copyJson } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ApiRequest } from "./api_request.ts";
import type { Engine } from "./engine.ts";
import { badRequest, invalid } from "./errors.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "./schema_access.ts";
import type { Resource } from "./types.ts";

/** The body as an object of the resource's kind, or of `expected`. */
export function decodeBody(
  engine: Engine,
  resource: Resource,
  request: ApiRequest,
  validation: FieldValidation,
  warnings: string[],
  expected: GroupVersionKind = resource,
): KubeObject {
  const { body } = request;
  if (body === undefined) throw badRequest("the request has no body");
  const decoded: Decoded = "value" in body
    ? engine.schema.decodeValue(copyJson(body.value), expected, validation)
    : engine.schema.decode(body.bytes, body.contentType, expected, validation);
  judge(decoded.errors, validation, warnings, (text) =>
    badRequest(
      `${expected.kind} in version ${
        JSON.stringify(expected.version)
      } cannot be handled as a ${expected.kind}: ${text}`,
    ));
  decoded.object.metadata ??= {} as KubeObject["metadata"];
  return decoded.object;
}

/** A patched object, checked like a body. `sent` is shown in the refusal. */
export function decodePatched(
  engine: Engine,
  resource: Resource,
  patched: unknown,
  sent: unknown,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const decoded = engine.schema.decodeValue(patched, resource, validation);
  judge(decoded.errors, validation, warnings, (text) => {
    const shown = JSON.stringify(JSON.stringify(sent));
    const message = `Invalid value: ${shown}: ${text}`;
    return invalid(resource.group, resource.kind, "", [{ reason: "FieldValueInvalid", field: "patch", message }]);
  });
  decoded.object.metadata ??= {} as KubeObject["metadata"];
  return decoded.object;
}

function judge(
  errors: readonly string[],
  validation: FieldValidation,
  warnings: string[],
  refusal: (text: string) => Error,
): void {
  if (errors.length === 0 || validation === "Ignore") return;
  if (validation === "Strict") throw refusal(`strict decoding error: ${errors.join(", ")}`);
  warnings.push(...errors);
}
