/** The columns of `kubectl get` for a custom resource (Kubernetes docs, "Additional printer columns"). */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Column } from "../machinery/types.ts";
import { ageColumn, nameColumn } from "../resources/columns/column.ts";
import { since } from "../resources/columns/duration.ts";
import type { PrinterColumn } from "./definition.ts";
import { parseJsonPath, readJsonPath } from "./json_path.ts";

/** Without columns of its own a kind shows its age. */
export function customColumns(given: readonly PrinterColumn[] | undefined): readonly Column[] {
  return [nameColumn, ...(given ?? []).length === 0 ? [ageColumn] : given!.map(customColumn)];
}

function customColumn(given: PrinterColumn): Column {
  const { name, type, jsonPath, format = "", priority = 0 } = given;
  const description = given.description ?? "";
  const steps = parseJsonPath(jsonPath) ?? [];
  return {
    name,
    type: type as Column["type"],
    format: format as Column["format"],
    description: description === ""
      ? `Custom resource definition column (in JSONPath format): ${jsonPath}`
      : description,
    priority,
    cell: (object, now) => cell(type, readJsonPath(object, steps)[0], now),
  };
}

function cell(type: string, value: unknown, now: number): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? since(value, now) : "<invalid>";
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

/** Fields that a selector may name, by their path without the leading dot. */
export function customSelectableFields(
  paths: readonly { readonly jsonPath: string }[] | undefined,
): Readonly<Record<string, (object: KubeObject) => string>> {
  return Object.fromEntries((paths ?? []).map(({ jsonPath }) => {
    const steps = parseJsonPath(jsonPath) ?? [];
    const read = (object: KubeObject) => {
      const [value] = readJsonPath(object, steps);
      return value === undefined || value === null ? "" : String(value);
    };
    return [jsonPath.replace(/^\./, ""), read];
  }));
}
