/** Descriptions of fields, read from the package that carries Kubernetes' types when somebody asks for them. */
import type {} from "kubernetes-models/v1";

/** A field of a type, for example `v1/PodStatus.podIP`. */
export type FieldName = `${string}/${string}.${string}`;

const files = new Map<string, string>();

function declarationsOf(type: string): string {
  let source = files.get(type);
  if (source === undefined) {
    const url = import.meta.resolve(`kubernetes-models/${type}`);
    if (!url.startsWith("file:")) throw new Error(`Cannot describe ${type}: its package is not on disk, but at ${url}`);
    source = Deno.readTextFileSync(new URL(url.replace(/\.js$/, ".d.ts")));
    files.set(type, source);
  }
  return source;
}

/** The description of a field, without the list of its values. */
export function fieldDescription(name: FieldName): string {
  const dot = name.lastIndexOf(".");
  const source = declarationsOf(name.slice(0, dot));
  const field = name.slice(dot + 1);
  const end = new RegExp(`\\*/\\s*"${field}"\\??:`).exec(source);
  if (end === null) throw new Error(`Cannot describe ${name}: the type has no such field with a description`);
  const start = source.lastIndexOf("/**", end.index) + 3;
  const lines = source.slice(start, end.index).trim().split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
  return (lines.join("\n").split(/\s*Possible enum values:/)[0] ?? "").trim();
}
