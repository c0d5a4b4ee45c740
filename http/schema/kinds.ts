/** Which kinds the built-in API knows, and by which definition. */
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { definition, definitionNames } from "./definitions.ts";
import { metaGroupVersions } from "./openapi_operations.ts";

/** Kinds that every group version has. */
const everywhere = new Set(["DeleteOptions", "WatchEvent"]);
let byKey: Map<string, string> | undefined;

function keyOf(gvk: GroupVersionKind): string {
  return `${gvk.group}/${gvk.version}/${gvk.kind}`;
}

function table(): Map<string, string> {
  if (byKey !== undefined) return byKey;
  byKey = new Map();
  for (const name of definitionNames()) {
    for (const gvk of definition(name)?.["x-kubernetes-group-version-kind"] ?? []) byKey.set(keyOf(gvk), name);
  }
  return byKey;
}

/** The definition's name (`io.k8s.api.core.v1.Pod`), or undefined for a kind that is not built in. */
export function definitionOf(gvk: GroupVersionKind): string | undefined {
  const name = table().get(keyOf(gvk));
  if (name !== undefined || !everywhere.has(gvk.kind)) return name;
  return metaGroupVersions().includes(apiVersionOf(gvk))
    ? `io.k8s.apimachinery.pkg.apis.meta.v1.${gvk.kind}`
    : undefined;
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === "" ? version : `${group}/${version}`;
}

/** @returns undefined for a text with more than one slash. */
export function parseApiVersion(text: string): { group: string; version: string } | undefined {
  const parts = text.split("/");
  if (parts.length > 2) return undefined;
  const [first = "", second] = parts;
  return second === undefined ? { group: "", version: first } : { group: first, version: second };
}
