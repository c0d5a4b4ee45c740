/** OpenAPI definitions of the built-in API without descriptions, from generated/definitions_text.ts. */
import { definitionsText } from "./generated/definitions_text.ts";
import type { GroupVersionKind } from "../machinery/schema_access.ts";

/** A schema of OpenAPI v3 as Kubernetes writes it. */
export interface OpenApiSchema {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
}

let parsed: Record<string, OpenApiSchema> | undefined;
const prefix = "#/components/schemas/";

function definitions(): Record<string, OpenApiSchema> {
  return parsed ??= JSON.parse(definitionsText) as Record<string, OpenApiSchema>;
}

export function definition(name: string): OpenApiSchema | undefined {
  return Object.hasOwn(definitions(), name) ? definitions()[name] : undefined;
}

export function definitionNames(): string[] {
  return Object.keys(definitions());
}

/** The name of the definition that a schema refers to. */
export function referenceOf(schema: OpenApiSchema): string | undefined {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  return reference?.startsWith(prefix) ? reference.slice(prefix.length) : undefined;
}
