/** The variables of an evaluation, with values as expressions see them. */
import { isObject, type JsonObject } from "../../../machines/objects/json.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { AuthorizerValue, type Decisions, ResourceCheck } from "../../custom_resources/cel/authorizer.ts";
import { optionsObject, requestObject, type ShownRequest } from "../shown_request.ts";

/** Whole numbers are integers; everything else stays what it is. */
export function plainValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (!isObject(value)) return value ?? null;
  const result: JsonObject = {};
  for (const name of Object.keys(value)) {
    if (name !== "__proto__") result[name] = plainValue(value[name]);
  }
  return result;
}

export interface Given {
  readonly shown: ShownRequest;
  readonly params: KubeObject | undefined;
  readonly namespace: KubeObject | undefined;
  readonly decisions: Decisions;
}

export function scopeOf({ shown, params, namespace, decisions }: Given): Record<string, unknown> {
  const { request } = shown;
  const options = optionsObject(request);
  return {
    object: plainValue(shown.object),
    oldObject: plainValue(shown.oldObject),
    params: plainValue(params),
    namespaceObject: plainValue(namespace === undefined ? undefined : withoutFields(namespace)),
    request: plainValue({ ...requestObject(shown), ...(options === undefined ? {} : { options }) }),
    authorizer: authorizerOf(shown, decisions),
  };
}

/** What a namespace shows of itself: not who owns which field, not who owns it. */
function withoutFields({ metadata, ...rest }: KubeObject): unknown {
  const { managedFields: _fields, ownerReferences: _owners, ...shown } = metadata;
  return { ...rest, metadata: shown };
}

function authorizerOf({ request: { attributes } }: ShownRequest, decisions: Decisions): AuthorizerValue {
  const { user, group, version, resource, subresource, namespace, name } = attributes;
  const check = new ResourceCheck(new AuthorizerValue(decisions, user), {
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
  });
  return new AuthorizerValue(decisions, user, check);
}
