/** What the columns of all kinds are made of. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Column } from "../../machinery/types.ts";
import { type Fields, fields, has, list, text } from "../fields.ts";
import { formatSelector } from "../validation/labels.ts";
import { fieldDescription, type FieldName } from "./descriptions.ts";
import { since } from "./duration.ts";

type Cell = (object: KubeObject, now: number) => unknown;

interface ColumnOptions {
  readonly type?: Column["type"];
  readonly format?: Column["format"];
}

/** A column that is always shown. @param description a text, or the field whose description it has. */
export function column(
  name: string,
  description: string | { readonly of: FieldName },
  cell: Cell,
  options: ColumnOptions = {},
): Column {
  return {
    name,
    type: options.type ?? "string",
    format: options.format ?? "",
    get description() {
      return typeof description === "string" ? description : fieldDescription(description.of);
    },
    priority: 0,
    cell,
  };
}

/** The same column, shown with `-o wide` only. */
export function wide(shown: Column): Column {
  return {
    name: shown.name,
    type: shown.type,
    format: shown.format,
    get description() {
      return shown.description;
    },
    priority: 1,
    cell: shown.cell,
  };
}

export function integerColumn(name: string, description: string | { readonly of: FieldName }, cell: Cell): Column {
  return column(name, description, cell, { type: "integer" });
}

const nameText =
  "Name must be unique within a namespace. Is required when creating resources, although some resources may " +
  "allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation " +
  "idempotence and configuration definition. Cannot be updated. More info: " +
  "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const creationText =
  "CreationTimestamp is a timestamp representing the server time when this object was created. It is not " +
  "guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is " +
  "represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: " +
  "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

export const nameColumn = column("Name", nameText, (object) => object.metadata.name, { format: "name" });
export const ageColumn = column("Age", creationText, (object, now) => since(object.metadata.creationTimestamp, now));

/** Kinds without columns of their own show when they were made. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  column("Created At", creationText, (object) => object.metadata.creationTimestamp, { type: "date" }),
];

export const spec = (object: KubeObject): Fields => fields(object["spec"]);
export const status = (object: KubeObject): Fields => fields(object["status"]);

/** A value, or `<none>` when there is none. */
export function orNone(value: unknown): unknown {
  return !has(value) || value === "" ? "<none>" : value;
}

export function orUnset(value: unknown): unknown {
  return !has(value) || value === "" ? "<unset>" : value;
}

export function formatLabels(labels: unknown): string {
  const text = formatSelector({ matchLabels: labels });
  return text === "" ? "<none>" : text;
}

/** A label selector as a cell: `<none>` when absent; `<none>` too when it selects everything. */
export function selectorCell(selector: unknown): string {
  if (!has(selector)) return "<none>";
  const shown = formatSelector(selector);
  return shown === "" ? "<none>" : shown;
}

const podSpecOf = (object: KubeObject): Fields => fields(fields(spec(object)["template"])["spec"]);

export function containerCells(podSpec: Fields): { readonly names: string; readonly images: string } {
  const containers = list(podSpec["containers"]);
  return {
    names: containers.map((container) => text(container["name"])).join(","),
    images: containers.map((container) => text(container["image"])).join(","),
  };
}

/** Names and images of a template's containers. @param podSpec where it is found; default: `spec.template.spec`. */
export function containerColumns(podSpec: (object: KubeObject) => Fields = podSpecOf): readonly [Column, Column] {
  return [
    column("Containers", "Names of each container in the template.", (object) => containerCells(podSpec(object)).names),
    column(
      "Images",
      "Images referenced by each container in the template.",
      (object) => containerCells(podSpec(object)).images,
    ),
  ];
}

export function wideContainerColumns(podSpec?: (object: KubeObject) => Fields): readonly Column[] {
  return containerColumns(podSpec).map(wide);
}
