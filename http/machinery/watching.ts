/** WATCH: where it starts, what comes first, when it ends (docs "API Concepts", "Efficient detection of changes"). */
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiReply, ApiRequest, WatchHandle } from "./api_request.ts";
import type { Engine } from "./engine.ts";
import { expired, internal } from "./errors.ts";
import { type ListOptions, listOptions } from "./options.ts";
import { reachVersion, resourceVersionError } from "./reading.ts";
import { parseSelection, type Selection } from "./selection.ts";
import { convertViews, viewOf } from "./stored_object.ts";
import type { Resource } from "./types.ts";
import { Watcher, WatchItem, type WatchItemSink } from "./watcher.ts";

/** A watch that names no timeout lasts between one and two times this. */
const minTimeoutMs = 1_800_000;
const bookmarkEveryMs = 60_000;
/** A watch is told where it stands this long before it ends. */
const lastBookmarkMs = 2_000;

export async function watch(engine: Engine, resource: Resource, request: ApiRequest): Promise<ApiReply> {
  const options = listOptions(request.query, true);
  const fields = request.name === ""
    ? options.fieldSelector
    : [options.fieldSelector, `metadata.name=${request.name}`].filter((text) => text !== "").join(",");
  const selection = parseSelection(resource, options.labelSelector, fields);
  const { resourceVersion: version, sendInitialEvents: initial } = options;
  if (version !== "" && !/^\d{1,16}$/.test(version)) throw internal(resourceVersionError(version));
  if (version === "" && initial !== false) await reachVersion(engine, "");
  else if (initial === true) await reachVersion(engine, version);
  return {
    type: "watch",
    resource,
    open: (sink) => {
      if (resource.storedAs?.convert === undefined) return open(engine, selection, request.namespace, options, sink);
      // What is selected is decided by the stored form: the other is known only later.
      const stored = { ...selection, resource: engine.registry.storageOf(resource) };
      return open(engine, stored, request.namespace, options, convertingSink(sink, resource));
    },
  };
}

/** Hands on what it gets in order, each item when it has been converted; ends the watch when that cannot be done. */
function convertingSink(sink: WatchItemSink, resource: Resource): WatchItemSink {
  let last: Promise<void> = Promise.resolve();
  let failed = false;
  const then = (act: () => void | Promise<void>): void => {
    last = last.then(() => failed ? undefined : act()).catch((error: unknown) => {
      failed = true;
      sink.closed((error instanceof ApiError ? error : internal(String(error))).status);
    });
  };
  return {
    items: (batch) =>
      then(async () => {
        await convertViews(batch.map(({ entry }) => entry), resource);
        sink.items(batch.map(({ type, entry }) => new WatchItem(type, viewOf(entry, resource))));
      }),
    bookmark: (revision, initialEnd) => then(() => sink.bookmark(revision, initialEnd)),
    closed: (status) => then(() => sink.closed(status)),
  };
}

function open(
  engine: Engine,
  selection: Selection,
  namespace: string,
  options: ListOptions,
  sink: WatchItemSink,
): WatchHandle {
  const { cache, clock, registry, random } = engine;
  const stored = cache.of(registry.storageOf(selection.resource));
  const asked = options.resourceVersion === "" ? 0 : Number(options.resourceVersion);
  const initial = options.sendInitialEvents ?? asked === 0;
  const from = initial || asked === 0 ? cache.revision : asked;
  if (!initial && !stored.remembers(from)) {
    sink.closed(expired(`too old resource version: ${from} (${stored.floor})`).status);
    return { cancel() {} };
  }
  const watcher = new Watcher({ ...selection, namespace, bookmarks: options.allowWatchBookmarks }, sink, from);
  stored.watch(watcher, initial);
  watcher.flush();
  if (options.sendInitialEvents === true && options.allowWatchBookmarks) sink.bookmark(cache.revision, true);
  watcher.told = Math.max(watcher.told, initial ? cache.revision : from);

  const lasts = options.timeoutSeconds !== undefined && options.timeoutSeconds > 0
    ? options.timeoutSeconds * 1000
    : minTimeoutMs * (1 + random.next());
  const end = clock.now() + lasts;
  const tell = () => {
    if (cache.revision <= watcher.told) return;
    watcher.told = cache.revision;
    sink.bookmark(cache.revision, false);
  };
  let wake = clock.wakeAt(end, finish);
  watcher.release = () => wake.cancel();
  if (options.allowWatchBookmarks && lasts > 5 * lastBookmarkMs) schedule();
  function schedule(): void {
    const last = end - lastBookmarkMs;
    const at = Math.min(clock.now() + bookmarkEveryMs, last);
    wake.cancel();
    wake = clock.wakeAt(at, () => {
      tell();
      if (at === last) wake = clock.wakeAt(end, finish);
      else schedule();
    });
  }
  function finish(): void {
    if (watcher.closed) return;
    watcher.closed = true;
    stored.unwatch(watcher);
    sink.closed(undefined);
  }
  return {
    cancel() {
      watcher.closed = true;
      wake.cancel();
      stored.unwatch(watcher);
    },
  };
}
