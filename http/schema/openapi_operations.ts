/** Paths of the built-in API and what their methods do, from generated/paths_text.ts; parameters follow from actions. */
import type { GroupVersionKind } from "../machinery/schema_access.ts";
import { pathsText } from "./generated/paths_text.ts";
import { parseApiVersion } from "./kinds.ts";

export interface Operation {
  readonly method: string;
  readonly id: string;
  /** Undefined: a path of discovery or of the server itself. */
  readonly action: string | undefined;
  readonly gvk: GroupVersionKind | undefined;
  /** Names of query parameters. */
  readonly query: readonly string[];
}

interface Table {
  readonly groupVersions: readonly string[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

let parsed: Table | undefined;

function table(): Table {
  return parsed ??= JSON.parse(pathsText) as Table;
}

const selection = [
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "shardSelector",
  "timeoutSeconds",
];
const deletion = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];
const writing = ["dryRun", "fieldManager", "fieldValidation"];
const watching = [...selection, "allowWatchBookmarks", "watch"];
const byAction: Readonly<Record<string, readonly string[]>> = {
  list: watching,
  watch: watching,
  watchlist: watching,
  post: writing,
  put: writing,
  patch: [...writing, "force"],
  delete: deletion,
  deletecollection: [...selection, ...deletion],
};
const streams = ["container", "stderr", "stdin", "stdout", "tty"];
const byKind: Readonly<Record<string, readonly string[]>> = {
  PodExecOptions: [...streams, "command"],
  PodAttachOptions: streams,
  PodPortForwardOptions: ["ports"],
  PodProxyOptions: ["path"],
  ServiceProxyOptions: ["path"],
  NodeProxyOptions: ["path"],
};
const logParameters = [
  "container",
  "follow",
  "insecureSkipTLSVerifyBackend",
  "limitBytes",
  "previous",
  "sinceSeconds",
  "stream",
  "tailLines",
  "timestamps",
];

function queryOf(path: string, action: string | undefined, kind: string | undefined): readonly string[] {
  if (action === undefined) return [];
  if (path.endsWith("/pods/{name}/log")) return [...logParameters, "pretty"];
  if (action === "connect") return byKind[kind ?? ""] ?? [];
  return actionQuery(action);
}

/** Query parameters of an action of a resource. */
export function actionQuery(action: string): readonly string[] {
  return [...byAction[action] ?? [], "pretty"].sort();
}

/** `api/v1`, `apis/apps/v1`, `apis/apps`, `version`: the document of OpenAPI v3 that a path is in. */
export function documentOf(path: string): string {
  const [first = "", second, third] = path.split("/").filter((part) => part !== "");
  if (first === "api") return second === undefined ? "api" : `api/${second}`;
  if (first === "apis") return ["apis", second, third].filter((part) => part !== undefined).join("/");
  return path.replace(/^\/|\/$/g, "");
}

export function allPaths(): string[] {
  return Object.keys(table().paths);
}

/** Group versions in which DeleteOptions and WatchEvent are known, `v1` and `apps/v1` alike. */
export function metaGroupVersions(): readonly string[] {
  return table().groupVersions;
}

export function operationsOf(path: string): Operation[] {
  return Object.entries(table().paths[path] ?? {}).map(([method, row]) => {
    const words = row.split(" ");
    const [action, kind, id] = words.length === 1 ? [undefined, undefined, row] : words;
    const gvk = kind === undefined ? undefined : gvkOf(kind, path);
    return { method, id: id ?? "", action, gvk, query: queryOf(path, action, gvk?.kind).toSorted() };
  });
}

function gvkOf(kind: string, path: string): GroupVersionKind {
  if (kind.includes("/")) {
    const [group = "", version = "", name = ""] = kind.split("/");
    return { group, version, kind: name };
  }
  const { group, version } = parseApiVersion(documentOf(path).replace(/^apis?\//, "")) ?? { group: "", version: "" };
  return { group, version, kind };
}

/** Parameters that all methods of a path share stand beside the methods. */
export function sharedQuery(operations: readonly Operation[]): string[] {
  const [first, ...others] = operations;
  return (first?.query ?? []).filter((name) => others.every(({ query }) => query.includes(name)));
}
