/** The body of a PATCH, by its content type. */
import { ApiError } from "../../machines/objects/status.ts";
import type { PatchType } from "../../ports/api_client.ts";
import type { ApiRequest } from "./api_request.ts";
import { parseYaml } from "../schema/yaml_text.ts";
import { badRequest } from "./errors.ts";

export const patchTypes: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** @throws ApiError 415 */
export function patchTypeOf(contentType: string): PatchType {
  const type = patchTypes[contentType.split(";")[0]!.trim().toLowerCase()];
  if (type === undefined) throw new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  return type;
}

export function parsePatchBody({ body }: ApiRequest, type: PatchType): unknown {
  if (body === undefined) throw badRequest("the request has no body");
  if ("value" in body) return body.value;
  const text = new TextDecoder().decode(body.bytes);
  if (type === "apply") {
    try {
      return parseYaml(text).value;
    } catch (error) {
      throw badRequest(`error decoding YAML: ${(error as Error).message}`);
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
}
