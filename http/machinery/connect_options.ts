/**
 * What a request that connects (exec, attach, port-forward, proxies) asks for, as an object: admission judges it, and may
 * change it, like any other (core/v1 PodExecOptions and its like). A browser's query is what it is made of.
 */
import type { KubeObject } from "../../machines/objects/object.ts";

type Kind = "flag" | "text" | "texts" | "numbers";

interface OptionField {
  readonly name: string;
  readonly kind: Kind;
  /** Written even when nothing was given. */
  readonly always?: boolean;
}

const streamFields: readonly OptionField[] = [
  ...["stdin", "stdout", "stderr", "tty"].map((name) => ({ name, kind: "flag" as const })),
  { name: "container", kind: "text" },
];
const pathOnly: readonly OptionField[] = [{ name: "path", kind: "text" }];

const fieldsOf: Readonly<Record<string, readonly OptionField[]>> = {
  PodExecOptions: [...streamFields, { name: "command", kind: "texts", always: true }],
  PodAttachOptions: streamFields,
  PodPortForwardOptions: [{ name: "ports", kind: "numbers" }],
  PodProxyOptions: pathOnly,
  NodeProxyOptions: pathOnly,
  ServiceProxyOptions: pathOnly,
};

/** @param rest The path behind a proxy subresource, which counts whatever the query says. */
export function connectOptions(kind: string, query: URLSearchParams, rest: string): KubeObject {
  const object: Record<string, unknown> = { kind, apiVersion: "v1" };
  for (const field of fieldsOf[kind] ?? []) {
    const value = field.name === "path" && rest !== "" ? rest : valueOf(field, query);
    if (value !== undefined) object[field.name] = value;
    else if (field.always === true) object[field.name] = null;
  }
  return object as unknown as KubeObject;
}

function valueOf({ name, kind }: OptionField, query: URLSearchParams): unknown {
  const all = query.getAll(name);
  const [first = ""] = all;
  switch (kind) {
    case "flag":
      // As apimachinery reads a boolean: whatever is there and does not say no.
      return all.length > 0 && first !== "false" && first !== "0" ? true : undefined;
    case "text":
      return first === "" ? undefined : first;
    case "texts":
      return all.length === 0 ? undefined : all;
    case "numbers":
      return all.length === 0 ? undefined : all.flatMap((text) => text.split(",")).map(Number);
  }
}

/** The query that asks for what the object says; the path of a proxy is not changed by it. */
export function queryOf(object: KubeObject): URLSearchParams {
  const query = new URLSearchParams();
  for (const { name } of fieldsOf[object.kind] ?? []) {
    const value = object[name];
    if (value === undefined || value === null || value === false) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  return query;
}
