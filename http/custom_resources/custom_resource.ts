/** One version of a custom resource as a row of the API: names, strategy, columns and subresources from its definition. */
import { isObject } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { apiVersionOf } from "../machinery/resource_registry.ts";
import type { FieldError, Resource, Strategy, Subresource } from "../machinery/types.ts";
import { invalid, path, shown } from "../resources/validation/field.ts";
import { row, scaleSubresource, statusSubresource } from "../resources/row.ts";
import { SchemaRules } from "./cel/rules.ts";
import { customColumns, customSelectableFields } from "./columns.ts";
import type { Convert } from "./conversion.ts";
import type { Definition, DefinitionVersion } from "./definition.ts";
import { parseJsonPath, readJsonPath } from "./json_path.ts";
import type { JsonSchema } from "./json_schema.ts";
import { listTypeErrors } from "./list_types.ts";
import { validateValue } from "./schema_validation.ts";
import { setDefaults } from "./structure.ts";

/**
 * @param stored the row of the version that is stored, when that is another.
 * @param convert who turns one into the other; absent: they differ in their apiVersion only.
 */
export function customResource(
  definition: Definition,
  version: DefinitionVersion,
  stored?: Resource,
  convert?: Convert,
): Resource {
  const { group, scope, names } = definition.spec;
  const place = { group, version: version.name, resource: names.plural };
  const subresources: Record<string, Subresource> = {
    ...(version.subresources?.status === undefined ? {} : { status: statusSubresource }),
    ...(version.subresources?.scale === undefined ? {} : { scale: scaleSubresource }),
  };
  const scale = version.subresources?.scale;
  const made = row({
    ...place,
    kind: names.kind,
    singular: names.singular ?? names.kind.toLowerCase(),
    namespaced: scope === "Namespaced",
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    subresources,
    columns: customColumns(version.additionalPrinterColumns),
    strategy: customStrategy(definition, version),
  });
  return {
    ...made,
    custom: true,
    ...(names.listKind === undefined ? {} : { listKind: names.listKind }),
    ...(scale === undefined ? {} : {
      scalePaths: {
        replicas: fieldNames(scale.specReplicasPath),
        statusReplicas: fieldNames(scale.statusReplicasPath),
        ...(scale.labelSelectorPath === undefined ? {} : { selector: fieldNames(scale.labelSelectorPath) }),
      },
    }),
    ...(stored === undefined ? {} : {
      storedAs: {
        group,
        version: stored.version,
        resource: stored.resource,
        fromStored: (object) => ({ ...object, apiVersion: apiVersionOf(place) }),
        toStored: (object) => ({ ...object, apiVersion: apiVersionOf(stored) }),
        ...(convert === undefined ? {} : {
          convert: {
            fromStored: (objects) => convert(objects, apiVersionOf(place)),
            toStored: async (object) => (await convert([object], apiVersionOf(stored)))[0]!,
          },
        }),
      },
    }),
  };
}

function fieldNames(jsonPath: string): string[] {
  return (parseJsonPath(jsonPath) ?? []).flatMap((step) => "name" in step ? [step.name] : []);
}

const notChecked: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message: "Invalid value: null: some validation rules were not checked because the object was invalid; correct the " +
    "existing errors to complete validation",
};
/** After these the rules of a schema could meet values of types that they do not expect. */
const blocking = new Set<FieldError["reason"]>([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

function customStrategy(definition: Definition, version: DefinitionVersion): Strategy {
  const { names, group } = definition.spec;
  const schema: JsonSchema = version.schema?.openAPIV3Schema ?? {};
  const type = { kind: names.kind, apiVersion: apiVersionOf({ group, version: version.name }) };
  const hasStatus = version.subresources?.status !== undefined;
  let rules: SchemaRules | undefined;
  const validate = (object: KubeObject, old: KubeObject | undefined): FieldError[] => {
    const errors = [
      ...typeErrors(object, type),
      ...validateValue(withoutMetadata(object), bodySchema(schema)),
      ...scaleErrors(object, version),
      ...listTypeErrors(object, schema),
    ];
    rules ??= new SchemaRules(schema);
    if (rules.isEmpty) return errors;
    if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, notChecked];
    return [...errors, ...rules.validate(object, old)];
  };
  return {
    setDefaults: (object) => setDefaults(object, schema),
    prepareForCreate(object) {
      if (hasStatus) delete object.status;
    },
    validate: (object) => validate(object, undefined),
    validateUpdate: validate,
    validateStatusUpdate: validate,
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    selectableFields: customSelectableFields(version.selectableFields),
    warnings: () =>
      version.deprecated === true
        ? [version.deprecationWarning ?? `${type.apiVersion} ${type.kind} is deprecated`]
        : [],
  };
}

/** Kind, apiVersion and metadata are judged by the API, not by the schema. */
function bodySchema(schema: JsonSchema): JsonSchema {
  const { properties, ...rest } = schema;
  if (properties === undefined) return rest;
  const { metadata: _, apiVersion: _a, kind: _k, ...own } = properties;
  return { ...rest, properties: own };
}

function withoutMetadata(object: KubeObject): unknown {
  const { metadata: _, ...rest } = object;
  return rest;
}

function typeErrors(object: KubeObject, { kind, apiVersion }: { kind: string; apiVersion: string }): FieldError[] {
  return [
    ...(object.kind === kind ? [] : [invalid(path("kind"), object.kind, `must be ${kind}`)]),
    ...(object.apiVersion === apiVersion
      ? []
      : [invalid(path("apiVersion"), object.apiVersion, `must be ${apiVersion}`)]),
  ];
}

const goTypes: Readonly<Record<string, string>> = { string: "string", boolean: "bool", number: "float64" };

/** What `scale` reads and writes must be a whole number. */
function scaleErrors(object: KubeObject, { subresources }: DefinitionVersion): FieldError[] {
  const { specReplicasPath, statusReplicasPath } = subresources?.scale ?? {};
  return [specReplicasPath, statusReplicasPath].flatMap((jsonPath): FieldError[] => {
    if (jsonPath === undefined) return [];
    const [value] = readJsonPath(object, parseJsonPath(jsonPath) ?? []);
    const field = jsonPath;
    if (value === undefined || value === null) return [];
    if (typeof value !== "number" || !Number.isInteger(value)) {
      const goType = goTypes[typeof value] ?? (isObject(value) ? "map[string]interface {}" : "[]interface {}");
      const why = `${jsonPath} accessor error: ${
        typeof value === "object" ? shown(value) : String(value)
      } is of the type ${goType}, expected int64`;
      return [{ reason: "FieldValueInvalid", field, message: `Invalid value: 0: ${why}` }];
    }
    if (value >= 0) return [];
    return [{
      reason: "FieldValueInvalid",
      field,
      message: `Invalid value: ${value}: should be a non-negative integer`,
    }];
  });
}
