/** Objects as rows (meta.k8s.io/v1 Table), as `kubectl get` prints them, and as bare metadata. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { Entry } from "./stored_object.ts";
import type { Column, Resource } from "./types.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export interface ListMeta {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function partialOf({ metadata }: KubeObject): unknown {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

const definitions = new WeakMap<readonly Column[], unknown[]>();

function columnDefinitions(columns: readonly Column[]): unknown[] {
  let defined = definitions.get(columns);
  if (defined === undefined) {
    defined = columns.map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format,
      description,
      priority,
    }));
    definitions.set(columns, defined);
  }
  return defined;
}

function rowOf(resource: Resource, { object }: Pick<Entry, "object">, include: IncludeObject, now: number): unknown {
  const cells = resource.columns.map((column) => column.cell(object, now));
  if (include === "None") return { cells, object: null };
  return { cells, object: include === "Object" ? object : partialOf(object) };
}

/** `headers` false: the definitions were sent before. */
export function tableOf(
  resource: Resource,
  entries: readonly Pick<Entry, "object">[],
  metadata: ListMeta,
  include: IncludeObject,
  now: number,
  headers = true,
): unknown {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: headers ? columnDefinitions(resource.columns) : null,
    rows: entries.map((entry) => rowOf(resource, entry, include, now)),
  };
}
