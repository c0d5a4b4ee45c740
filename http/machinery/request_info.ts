/** What a URL asks for, by Kubernetes' rules (kube-apiserver's RequestInfo). */
import { parseFieldSelector, requiredValue } from "../../machines/objects/field_selector.ts";
import type { Verb } from "./types.ts";

export interface RequestInfo {
  readonly resourceRequest: boolean;
  /** An API verb; the lower-case method for what is no resource. */
  readonly verb: string;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** For a namespace itself: its name. */
  readonly namespace: string;
  readonly name: string;
  /** What follows the subresource: the path behind a proxy. */
  readonly rest: string;
  /** Of what is done to a collection; absent when none was sent. */
  readonly fieldSelector?: string;
}

const verbs: Readonly<Record<string, Verb>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
const namespaceSubresources = new Set(["status", "finalize"]);

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const plain = {
    resourceRequest: false,
    verb: method.toLowerCase(),
    path,
    group: "",
    version: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    rest: "",
  };
  const parts = path.split("/").filter((part) => part !== "");
  const grouped = parts[0] === "apis";
  if ((!grouped && parts[0] !== "api") || parts.length < (grouped ? 4 : 3)) return plain;
  const group = grouped ? parts[1]! : "";
  const version = parts[grouped ? 2 : 1]!;
  let tail = parts.slice(grouped ? 3 : 2);
  let verb: string = verbs[method] ?? "";
  if (tail[0] === "watch" && tail.length > 1) {
    tail = tail.slice(1);
    if (verb === "get") verb = "watch";
  }
  let namespace = "";
  if (tail[0] === "namespaces" && tail.length > 1) {
    namespace = decode(tail[1]!);
    if (tail.length > 2 && !namespaceSubresources.has(tail[2]!)) tail = tail.slice(2);
  }
  const [resource = "", name = "", subresource = "", ...rest] = tail.map(decode);
  let selected = name;
  let fieldSelector = "";
  if (name === "") {
    if (verb === "get") verb = asksToWatch(query) ? "watch" : "list";
    else if (verb === "delete") verb = "deletecollection";
    fieldSelector = query.get("fieldSelector") ?? "";
    if (verb === "list" || verb === "watch") selected = namedBySelector(fieldSelector);
  }
  return {
    resourceRequest: true,
    verb,
    path,
    group,
    version,
    resource,
    subresource,
    namespace,
    name: selected,
    rest: rest.join("/"),
    ...(fieldSelector === "" ? {} : { fieldSelector }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function asksToWatch(query: URLSearchParams): boolean {
  const value = query.get("watch");
  return value !== null && value !== "false" && value !== "0";
}

/** A list of one object by its name is authorized like a request for that object. */
function namedBySelector(text: string): string {
  if (!text.includes("metadata.name")) return "";
  try {
    return requiredValue(parseFieldSelector(text), "metadata.name") ?? "";
  } catch {
    return "";
  }
}
