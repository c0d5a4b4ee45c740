/** Label and field selectors of a list or watch, applied to entries. */
import {
  type FieldSelector,
  FieldSelectorError,
  matchesFields,
  parseFieldSelector,
} from "../../machines/objects/field_selector.ts";
import {
  type LabelSelector,
  matchesLabels,
  parseLabelSelector,
  SelectorError,
} from "../../machines/objects/label_selector.ts";
import { badRequest } from "./errors.ts";
import { unknownFieldLabel } from "./resource_facts.ts";
import type { Entry } from "./stored_object.ts";
import type { Resource } from "./types.ts";

export interface Selection {
  readonly resource: Resource;
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
}

/** @throws ApiError 400 in Kubernetes' words. */
export function parseSelection(resource: Resource, labelText: string, fieldText: string): Selection {
  try {
    const labels = labelText === "" ? [] : parseLabelSelector(labelText);
    const fields = fieldText === "" ? [] : parseFieldSelector(fieldText);
    for (const { field } of fields) {
      const known = field === "metadata.name" || field === "metadata.namespace" ||
        resource.strategy.selectableFields?.[field] !== undefined;
      if (!known) throw badRequest(unknownFieldLabel(resource, field));
    }
    return { resource, labels, fields };
  } catch (error) {
    if (error instanceof SelectorError || error instanceof FieldSelectorError) throw badRequest(error.message);
    throw error;
  }
}

export function selectsAll({ labels, fields }: Selection): boolean {
  return labels.length === 0 && fields.length === 0;
}

/** Whether the entry, in the form of the selection's resource, is selected. Reads the object only when it must. */
export function selects({ resource, labels, fields }: Selection, entry: Entry): boolean {
  if (fields.length > 0 && !matchesFields(fields, (field) => fieldValue(resource, entry, field))) return false;
  return labels.length === 0 || matchesLabels(labels, entry.object.metadata.labels);
}

function fieldValue(resource: Resource, entry: Entry, field: string): string {
  if (field === "metadata.name") return entry.name;
  if (field === "metadata.namespace") return entry.namespace;
  return resource.strategy.selectableFields?.[field]?.(entry.object) ?? "";
}
