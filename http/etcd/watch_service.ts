/** The Watch service: one stream carries many watches, each with an id. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  type Event,
  eventTypes,
  type Read,
  type WatchCreateRequest,
  watchFilters,
  type WatchRequest,
  type WatchResponse,
} from "../../machines/etcd/messages.ts";
import { rangeOf } from "../../machines/etcd/keys.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import type { Wake } from "../../ports/clock.ts";
import type { StorageError, StorageEvent, StorageWatch } from "../../ports/storage.ts";
import { type EtcdContext, GrpcError, grpcError, type Header, headerOf, inTurn } from "./grpc_calls.ts";
import { statusCodes } from "../../machines/etcd/errors.ts";
import { recordMessage } from "./range_view.ts";

type Create = Read<typeof WatchCreateRequest>;
type Response = Part<Read<typeof WatchResponse>>;
type EventMessage = Part<Read<typeof Event>>;
type Stream = ServerDuplexStream<Read<typeof WatchRequest>, Response>;

/** A watch that asked for fragments gets no message above this, etcd's largest request. */
const fragmentBytes = 1_572_864;
/** A client that leaves so much unread is let go: what it has not read would pile up here. */
const unreadBytes = 64 << 20;
/** What answers a progress request speaks of all watches of the stream. */
const allWatches = -1;

export function watchService(context: EtcdContext) {
  return {
    Watch: (call: Stream) => {
      const stream = new WatchStream(context, call);
      inTurn(call, (request) => stream.handle(request), () => stream.close());
    },
  };
}

/** A watch that asked for it is told how far it is after so long without an event, as by etcd. */
export const progressEveryMs = 600_000;

interface Watcher {
  readonly id: number;
  readonly notify: boolean;
  /** Nothing was sent since it was last looked at. */
  quiet: boolean;
  /** The first revision it wants. */
  readonly from: number;
  watch: StorageWatch | undefined;
  /** Told when everything up to a revision has been delivered. */
  progressed: ((revision: number) => void)[];
}

class WatchStream {
  #watchers = new Map<number, Watcher>();
  #nextId = 0;
  #unread = 0;
  #closed = false;
  #look: Wake | undefined;

  constructor(readonly context: EtcdContext, readonly call: Stream) {}

  async handle({ createRequest, cancelRequest, progressRequest }: Read<typeof WatchRequest>): Promise<void> {
    if (createRequest !== undefined) await this.#create(createRequest);
    else if (cancelRequest !== undefined) await this.#cancel(cancelRequest.watchId);
    else if (progressRequest !== undefined) await this.#progress();
  }

  close(): void {
    this.#closed = true;
    this.#look?.cancel();
    for (const { watch } of this.#watchers.values()) watch?.cancel();
    this.#watchers.clear();
  }

  async #create(asked: Create): Promise<void> {
    const header = await headerOf(this.context);
    if (this.#closed) return;
    const range = rangeOf(asked.key.length === 0 ? Uint8Array.of(0) : asked.key, asked.rangeEnd);
    const reason = range === undefined
      ? "etcdserver: key is not valid UTF-8, and only such keys are kept here"
      : this.#watchers.has(asked.watchId) && asked.watchId !== 0
      ? "mvcc: duplicate watch ID provided on the WatchStream"
      : isEmpty(asked)
      ? "mvcc: watcher range is empty"
      : undefined;
    if (range === undefined || reason !== undefined) {
      this.#write({ header, watchId: -1, created: true, canceled: true, cancelReason: reason ?? "" });
      return;
    }
    const id = asked.watchId !== 0 ? asked.watchId : this.#drawId();
    const from = asked.startRevision > 0 ? asked.startRevision : header.revision + 1;
    const notify = asked.progressNotify;
    const watcher: Watcher = { id, from, notify, quiet: true, watch: undefined, progressed: [] };
    this.#watchers.set(id, watcher);
    this.#write({ header, watchId: id, created: true });
    if (notify) this.#lookLater();
    const filters = new Set(asked.filters);
    const isWanted = ({ type }: StorageEvent) =>
      !filters.has(type === "put" ? watchFilters.noPut : watchFilters.noDelete);
    watcher.watch = this.context.storage.watch(
      { ...range, startRevision: from, ...(asked.prevKv ? { previous: true } : {}) },
      {
        events: (batch, revision) => {
          const events = batch.filter(isWanted).map((event) => eventMessage(event, asked.prevKv));
          if (events.length === 0) return;
          watcher.quiet = false;
          this.#send(id, { ...header, revision }, events, asked.fragment);
        },
        progress: (revision) => {
          for (const tell of watcher.progressed.splice(0)) tell(revision);
        },
        closed: (error) => this.#ended(watcher, header, error),
      },
    );
  }

  #drawId(): number {
    while (this.#watchers.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  async #cancel(id: number): Promise<void> {
    const watcher = this.#watchers.get(id);
    if (watcher === undefined) return;
    watcher.watch?.cancel();
    this.#forget(watcher, 0);
    this.#write({ header: await headerOf(this.context), watchId: id, canceled: true });
  }

  /** Answers once every watch has been given all that had happened when it was asked; other requests go on meanwhile. */
  async #progress(): Promise<void> {
    const header = await headerOf(this.context);
    const behind = [...this.#watchers.values()].filter(({ from }) => from <= header.revision + 1);
    const reports = behind.map((watcher) =>
      new Promise<number>((resolve) => {
        watcher.progressed.push(resolve);
        watcher.watch?.requestProgress();
      })
    );
    Promise.all(reports).then((revisions) => {
      if (this.#closed) return;
      const revision = Math.min(...revisions.filter((each) => each > 0), Math.max(header.revision, ...revisions));
      this.#write({ header: { ...header, revision }, watchId: allWatches });
    });
  }

  /** One wake-up for all watches of the stream. */
  #lookLater(): void {
    if (this.#look !== undefined) return;
    const { clock } = this.context;
    this.#look = clock.wakeAt(clock.now() + progressEveryMs, () => {
      this.#look = undefined;
      for (const watcher of this.#watchers.values()) if (watcher.notify) this.#notify(watcher);
      if ([...this.#watchers.values()].some(({ notify }) => notify)) this.#lookLater();
    });
  }

  #notify(watcher: Watcher): void {
    const wasQuiet = watcher.quiet;
    watcher.quiet = true;
    // Who has not answered yet does so to all who have asked.
    if (!wasQuiet || watcher.progressed.length > 0) return;
    watcher.progressed.push((revision) => {
      if (this.#closed || !this.#watchers.has(watcher.id) || revision < watcher.from - 1) return;
      headerOf(this.context, revision).then((header) => this.#write({ header, watchId: watcher.id }), () => {});
    });
    watcher.watch?.requestProgress();
  }

  #ended(watcher: Watcher, header: Header, error: StorageError): void {
    this.#forget(watcher, 0);
    if (this.#closed) return;
    if (error.code !== "compacted") {
      this.close();
      this.call.destroy(grpcError(error));
      return;
    }
    headerOf(this.context).catch(() => header).then((latest) => {
      const { compactedRevision } = error;
      this.#write({ header: latest, watchId: watcher.id, canceled: true, compactRevision: compactedRevision });
    });
  }

  /** Whoever waits for its progress waits for the others only. */
  #forget(watcher: Watcher, revision: number): void {
    this.#watchers.delete(watcher.id);
    for (const tell of watcher.progressed.splice(0)) tell(revision);
  }

  #send(watchId: number, header: Header, events: readonly EventMessage[], inFragments: boolean): void {
    if (!inFragments) return this.#write({ header, watchId, events });
    let part: EventMessage[] = [];
    let size = 0;
    for (const event of events) {
      const bytes = sizeOf(event);
      if (part.length > 0 && size + bytes > fragmentBytes) {
        this.#write({ header, watchId, events: part, fragment: true });
        part = [];
        size = 0;
      }
      part.push(event);
      size += bytes;
    }
    this.#write({ header, watchId, events: part });
  }

  #write(response: Response): void {
    if (this.#closed) return;
    const size = 64 + (response.events ?? []).reduce((sum, event) => sum + sizeOf(event), 0);
    this.#unread += size;
    if (this.#unread > unreadBytes) {
      this.close();
      const message = `etcdserver: watch stream closed: its client has left ${this.#unread} bytes unread`;
      this.context.log(message);
      this.call.destroy(new GrpcError(statusCodes.resourceExhausted, message));
      return;
    }
    this.call.write(response, () => this.#unread -= size);
  }
}

/** As etcd: the end is not after the start. */
function isEmpty({ key, rangeEnd }: Create): boolean {
  if (rangeEnd.length === 0 || (rangeEnd.length === 1 && rangeEnd[0] === 0)) return false;
  for (let i = 0; i < Math.min(key.length, rangeEnd.length); i++) {
    if (key[i] !== rangeEnd[i]) return key[i]! > rangeEnd[i]!;
  }
  return key.length >= rangeEnd.length;
}

function eventMessage({ type, kv, previous }: StorageEvent, wantsPrevious: boolean): EventMessage {
  return {
    type: eventTypes[type],
    kv: recordMessage(kv),
    prevKv: previous === undefined || !wantsPrevious ? undefined : recordMessage(previous),
  };
}

function sizeOf({ kv, prevKv }: EventMessage): number {
  return [kv, prevKv].reduce((sum, each) => sum + (each?.key?.length ?? 0) + (each?.value?.length ?? 0) + 40, 0);
}
