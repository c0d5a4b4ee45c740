/** CustomResourceDefinitions (apiextensions.k8s.io/v1) as the API server reads them. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { JsonSchema } from "./json_schema.ts";

export interface DefinitionNames {
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly kind: string;
  readonly listKind?: string;
  readonly categories?: readonly string[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: {
    readonly status?: unknown;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: DefinitionNames;
    readonly versions: readonly DefinitionVersion[];
    readonly preserveUnknownFields?: boolean;
    readonly conversion?: {
      readonly strategy?: "None" | "Webhook";
      readonly webhook?: { readonly clientConfig?: unknown };
    };
  };
  status?: {
    readonly conditions?: readonly Condition[] | null;
    readonly acceptedNames?: DefinitionNames;
    readonly storedVersions?: readonly string[];
  };
}

export const definitions = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" };

export function conditionOf(definition: Definition, type: string): Condition | undefined {
  return definition.status?.conditions?.find((each) => each.type === type);
}

export function isEstablished(definition: Definition): boolean {
  return conditionOf(definition, "Established")?.status === "True";
}
