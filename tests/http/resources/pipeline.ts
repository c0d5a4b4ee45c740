/** What the machinery does around a row's rules, in the small: decode, defaults, prepare, validate. */
import { decodeValueAs } from "../../../http/schema/decode.ts";
import type { FieldError, Resource, StrategyContext } from "../../../http/machinery/types.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../../../http/resources/validation/metadata.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";

const context: StrategyContext = {
  now: "2026-11-22T20:38:30Z",
  user: { name: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] },
  subresource: "",
};

function decoded(resource: Resource, value: unknown): KubeObject {
  const { group, version, kind } = resource;
  const { object } = decodeValueAs(structuredClone(value), { group, version, kind }, "Ignore");
  return structuredClone(object);
}

export interface Outcome {
  readonly object: KubeObject;
  readonly errors: readonly FieldError[];
}

/** @param uid what the server drew for the object. */
export function create(
  resource: Resource,
  manifest: unknown,
  { uid, namespace }: { readonly uid: string; readonly namespace: string },
  beforeValidation?: (object: KubeObject) => void,
): Outcome {
  const { strategy, namespaced } = resource;
  const object = decoded(resource, manifest);
  object.metadata ??= {} as KubeObject["metadata"];
  if (namespaced && !object.metadata.namespace) object.metadata.namespace = namespace;
  strategy.setDefaults?.(object);
  object.metadata.uid = uid;
  strategy.prepareForCreate?.(object, context);
  beforeValidation?.(object);
  const rules = { namespaced, ...(strategy.validateName === undefined ? {} : { validateName: strategy.validateName }) };
  const named = resource.answer === undefined ? validateObjectMeta(object.metadata, rules) : [];
  const errors = [...named, ...strategy.validate?.(object, context) ?? []];
  return { object, errors };
}

export function update(resource: Resource, given: KubeObject, old: KubeObject): Outcome {
  const { strategy } = resource;
  const object = decoded(resource, given);
  strategy.setDefaults?.(object);
  strategy.prepareForUpdate?.(object, old, context);
  const errors = [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...strategy.validateUpdate?.(object, old, context) ?? [],
  ];
  return { object, errors };
}
