/** Parameters of the API's paths: their types and what they are for. */

export interface Parameter {
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

const text = (description: string): Parameter => ({ type: "string", description });
const flag = (description: string): Parameter => ({ type: "boolean", description });
const count = (description: string): Parameter => ({ type: "integer", description });

export const queryParameters: Readonly<Record<string, Parameter>> = {
  allowWatchBookmarks: flag("Asks a watch for BOOKMARK events."),
  command: text("Command to run; repeated for each argument. Not run in a shell."),
  container: text("Container of the pod; default: the only one, or the one its annotation names."),
  continue: text("Token of the next page, from the page before."),
  dryRun: text("`All`: every stage of the request runs, nothing is stored."),
  fieldManager: text("Name of who makes the change, for field ownership; at most 128 printable characters."),
  fieldSelector: text("Restricts objects to those whose fields match."),
  fieldValidation: text("What to do about unknown or duplicate fields: `Ignore`, `Warn` (default) or `Strict`."),
  follow: flag("Keeps the stream open for new lines."),
  force: flag("Apply patches: takes fields over from other managers."),
  gracePeriodSeconds: count("Seconds until the object goes; 0 means at once. Default: the object's own."),
  ignoreStoreReadErrorWithClusterBreakingPotential: flag(
    "Deletes an object that cannot be read from the store, without finalizers or preconditions. Dangerous.",
  ),
  insecureSkipTLSVerifyBackend: flag("Accepts any certificate of the node's kubelet."),
  labelSelector: text("Restricts objects to those whose labels match."),
  limit: count("Highest number of objects in a page."),
  limitBytes: count("Highest number of bytes of log."),
  orphanDependents: flag("Deprecated: use propagationPolicy."),
  path: text("Path of the proxied request."),
  ports: text("Ports to forward."),
  pretty: text("`true`: indented output. Default for curl, wget and browsers."),
  previous: flag("Log of the container's instance before this one."),
  propagationPolicy: text("What becomes of dependents: `Orphan`, `Background` or `Foreground`."),
  resourceVersion: text("Constrains how old the answer may be."),
  resourceVersionMatch: text("How resourceVersion is meant in lists: `Exact` or `NotOlderThan`."),
  sendInitialEvents: flag("Starts a watch with the objects that exist, and a bookmark after them."),
  shardSelector: text("Restricts objects to one shard of a divided list or watch."),
  sinceSeconds: count("Log lines younger than this only."),
  stderr: flag("Streams the container's standard error."),
  stdin: flag("Streams the container's standard input."),
  stdout: flag("Streams the container's standard output."),
  stream: text("Which log: `All`, `Stdout` or `Stderr`."),
  tailLines: count("Number of lines from the end of the log."),
  timeoutSeconds: count("How long the request may last, whatever happens."),
  timestamps: flag("Puts a time in front of each line."),
  tty: flag("Gives the command a terminal."),
  watch: flag("Streams changes instead of listing."),
};

export const pathParameters: Readonly<Record<string, string>> = {
  name: "Name of the object.",
  namespace: "Namespace of the object.",
  path: "Path of the proxied request.",
  logpath: "Path of the log.",
};

/** Names in braces, in the order of the path. */
export function pathParameterNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}
