/** GET and LIST: which state is read (resourceVersion semantics), pages, continue tokens. */
import { prefixEnd, StorageError } from "../../ports/storage.ts";
import type { ApiReply, ApiRequest } from "./api_request.ts";
import { continuationKey, encodeContinue, parseContinue } from "./continue_token.ts";
import type { Engine } from "./engine.ts";
import { badRequest, expired, notFound, resourceVersionTooLarge } from "./errors.ts";
import { type ListOptions, listOptions } from "./options.ts";
import { keyPrefix } from "./resource_registry.ts";
import { parseSelection, type Selection, selects, selectsAll } from "./selection.ts";
import { Entry, viewOf } from "./stored_object.ts";
import type { Resource } from "./types.ts";

const reachTimeoutMs = 3_000;

/** @throws ApiError 400 for what is no revision. */
export function parseResourceVersion(text: string): number {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw badRequest(`invalid resource version: ${resourceVersionError(text)}`);
}

export function resourceVersionError(text: string): string {
  const shown = JSON.stringify(text);
  return `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`;
}

/** Waits until the caches hold at least what a reader asks for. @throws ApiError 504 */
export async function reachVersion({ cache }: Engine, resourceVersion: string): Promise<void> {
  if (resourceVersion === "0") return;
  const wanted = resourceVersion === "" ? await cache.latest() : parseResourceVersion(resourceVersion);
  if (await cache.reach(wanted, reachTimeoutMs)) return;
  throw resourceVersionTooLarge(wanted, cache.revision);
}

export async function getEntry(
  engine: Engine,
  resource: Resource,
  namespace: string,
  name: string,
  resourceVersion = "",
): Promise<Entry> {
  await reachVersion(engine, resourceVersion);
  const entry = engine.cache.of(engine.registry.storageOf(resource)).get(namespace, name);
  if (entry === undefined) throw notFound(resource, name);
  return viewOf(entry, resource);
}

export async function get(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const version = request.query.get("resourceVersion") ?? "";
  const entry = await getEntry(engine, resource, request.namespace, request.name, version);
  return { type: "object", code: 200, resource, entry, warnings: [] };
}

export async function list(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = listOptions(request.query, false);
  const selection = parseSelection(resource, options.labelSelector, options.fieldSelector);
  const page = await listPage(engine, selection, request.namespace, options);
  return { type: "list", resource, ...page };
}

export interface Page {
  readonly entries: readonly Entry[];
  readonly resourceVersion: string;
  readonly continue: string | undefined;
  readonly remaining: number | undefined;
  /** Of a list of everything: the same object as long as it is the same list. */
  readonly state?: object;
}

export async function listPage(
  engine: Engine,
  selection: Selection,
  namespace: string,
  options: ListOptions,
): Promise<Page> {
  const { cache, registry } = engine;
  const { resourceVersion, resourceVersionMatch: match, limit } = options;
  const place = { engine, selection, namespace, limit };
  if (options.continue !== "") {
    const token = parseContinue(options.continue);
    if (resourceVersion !== "" && resourceVersion !== "0") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    // A token without a revision goes on in the present state, whatever changed meanwhile.
    if (token.revision < 0) {
      await reachVersion(engine, "");
      return cachePage(place, cache.revision, token.start);
    }
    return await pageAt(place, token.revision, token.start);
  }
  const exact = match === "Exact" ||
    (match === "" && limit > 0 && resourceVersion !== "" && resourceVersion !== "0");
  if (exact) return await pageAt(place, parseResourceVersion(resourceVersion), "");
  const stored = cache.of(registry.storageOf(selection.resource));
  await reachVersion(engine, resourceVersion);
  if (limit > 0) return cachePage(place, cache.revision, "");
  const entries = stored.select(namespace, selection);
  const page = { entries, resourceVersion: String(cache.revision), continue: undefined, remaining: undefined };
  return selectsAll(selection) ? { ...page, state: stored.stateOf(namespace) } : page;
}

interface Place {
  readonly engine: Engine;
  readonly selection: Selection;
  readonly namespace: string;
  readonly limit: number;
}

/** A page of the state at one revision: from the cache where that still is the present, else from the store's history. */
async function pageAt(place: Place, revision: number, start: string): Promise<Page> {
  const { engine, selection } = place;
  await reachVersion(engine, String(revision));
  const stored = engine.cache.of(engine.registry.storageOf(selection.resource));
  if (stored.lastChange <= revision) return cachePage(place, revision, start);
  try {
    return await historyPage(place, revision, start);
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "compacted") throw error;
    if (start === "") throw expired(`The resourceVersion for the provided list is too old.`);
    const refusal = expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list " +
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the " +
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, " +
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    refusal.status.metadata.continue = encodeContinue(-1, start);
    throw refusal;
  }
}

/** `start` is relative to the listed resource or namespace, as in the token. */
function cachePage({ engine, selection, namespace, limit }: Place, revision: number, start: string): Page {
  const all = engine.cache.of(engine.registry.storageOf(selection.resource)).list(namespace);
  const wide = namespace === "" && selection.resource.namespaced;
  const keyOf = (entry: Entry) => continuationKey(entry, wide);
  let at = 0;
  if (start !== "") {
    let high = all.length;
    while (at < high) {
      const middle = (at + high) >>> 1;
      if (keyOf(all[middle]!) < start) at = middle + 1;
      else high = middle;
    }
  }
  const entries: Entry[] = [];
  for (; at < all.length; at++) {
    const view = viewOf(all[at]!, selection.resource);
    if (!selects(selection, view)) continue;
    if (limit > 0 && entries.length === limit) break;
    entries.push(view);
  }
  const last = entries.at(-1);
  const more = at < all.length && last !== undefined;
  return {
    entries,
    resourceVersion: String(revision),
    continue: more ? encodeContinue(revision, `${keyOf(last)}\0`) : undefined,
    remaining: more && selectsAll(selection) ? all.length - at : undefined,
  };
}

const historyChunk = 500;

async function historyPage(place: Place, revision: number, start: string): Promise<Page> {
  const { engine: { storage, registry }, selection, namespace, limit } = place;
  const stored = registry.storageOf(selection.resource);
  const prefix = namespace === "" ? keyPrefix(stored) : `${keyPrefix(stored)}${namespace}/`;
  const end = prefixEnd(prefix);
  const wide = namespace === "" && stored.namespaced;
  const entries: Entry[] = [];
  const everything = selectsAll(selection);
  let key = prefix + start.slice(1);
  for (;;) {
    const chunk = limit === 0 ? 0 : everything ? limit - entries.length : Math.max(limit, historyChunk);
    const page = await storage.range({ key, end, revision, limit: chunk });
    for (const [index, kv] of page.kvs.entries()) {
      const rest = kv.key.slice(keyPrefix(stored).length).split("/");
      const [space, name] = stored.namespaced ? [rest[0]!, rest[1]!] : ["", rest[0]!];
      const view = viewOf(new Entry(stored, space, name, kv.modRevision, kv.value), selection.resource);
      if (!selects(selection, view)) continue;
      entries.push(view);
      const left = page.count - index - 1;
      if (limit === 0 || entries.length < limit || left <= 0) continue;
      const token = encodeContinue(revision, `${continuationKey(view, wide)}\0`);
      return { entries, resourceVersion: String(revision), continue: token, remaining: everything ? left : undefined };
    }
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) break;
    key = `${last.key}\0`;
  }
  return { entries, resourceVersion: String(revision), continue: undefined, remaining: undefined };
}
