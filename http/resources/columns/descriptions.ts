/** Descriptions of columns that Kubernetes takes from its types. */
import { descriptionsOf } from "../../schema/descriptions.ts";

/** A field of a type by API version, for example `v1/PodStatus.podIP` or `apps/v1/DeploymentStatus.replicas`. */
export type FieldName = `${string}/${string}.${string}`;

function definitionOf(type: string): string {
  const parts = type.split("/");
  const [group, version, name] = parts.length === 2 ? ["core", ...parts] : parts;
  return `io.k8s.api.${group?.split(".")[0]}.${version}.${name}`;
}

/** The description of a field, without the list of its values. */
export function fieldDescription(name: FieldName): string {
  const dot = name.lastIndexOf(".");
  const found = descriptionsOf(definitionOf(name.slice(0, dot))).fields.get(name.slice(dot + 1));
  if (found === undefined) throw new Error(`Cannot describe ${name}: the type has no such field with a description`);
  return (found.split(/\s*Possible enum values:/)[0] ?? "").trim();
}
