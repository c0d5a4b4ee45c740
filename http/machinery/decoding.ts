/** Request bodies into objects, with what strict decoding says of them. */
import { goText } from "../../machines/objects/go_text.ts";
import { copyJson } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { PatchType } from "../../ports/api_client.ts";
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
  const { object } = decoded;
  object.metadata ??= {} as KubeObject["metadata"];
  request.audit?.objectSent(object, () => {
    const told = copyJson(object);
    if (expected === resource) resource.strategy.setDefaults?.(told);
    return told;
  });
  return object;
}

/** A patched object, checked like a body. The refusal shows a strategic patch itself, of others what they made. */
export function decodePatched(
  engine: Engine,
  resource: Resource,
  patched: unknown,
  sent: unknown,
  kind: PatchType,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  const refusal = (text: string) => {
    const shown = JSON.stringify(kind === "strategic" ? goText(sent) : JSON.stringify(patched));
    const message = `Invalid value: ${shown}: ${text}`;
    return invalid("", "", "", [{ reason: "FieldValueInvalid", field: "patch", message }]);
  };
  const decoded = readable(() => engine.schema.decodeValue(patched, resource, validation), refusal);
  judge(decoded.errors, validation, warnings, refusal);
  decoded.object.metadata ??= {} as KubeObject["metadata"];
  return decoded.object;
}

/** What cannot be read at all is told in the decoder's words, without its introduction. */
function readable(decode: () => Decoded, refusal: (text: string) => Error): Decoded {
  try {
    return decode();
  } catch (error) {
    const text = error instanceof ApiError && error.code === 400
      ? / cannot be handled as a \w+: (.*)$/s.exec(error.message)?.[1]
      : undefined;
    throw text === undefined ? error : refusal(text);
  }
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
