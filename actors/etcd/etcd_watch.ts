/**
 * One watch on a stream of its own, taken up again where it was whenever the stream breaks.
 *
 * Progress: etcd from 3.4.31 and 3.5.13 on answers a progress request once all before it has been sent. Older ones may
 * answer too early; there a marker is written just behind the range, the watch reaches as far, and everything before the
 * marker has been seen when it is.
 */
import type { ServiceError } from "@grpc/grpc-js";
import {
  eventTypes,
  type Read,
  type WatchRequest as RequestMessage,
  type WatchResponse,
} from "../../machines/etcd/messages.ts";
import { keyOf } from "../../machines/etcd/keys.ts";
import { services } from "../../machines/etcd/services.ts";
import { inRange, noEnd } from "../../machines/store/key_order.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import { StorageError, type StorageEvent, type WatchRequest, type WatchSink } from "../../ports/storage.ts";
import type { EtcdClient, EtcdStream } from "./etcd_client.ts";
import { rangeBytes, recordOf } from "./etcd_messages.ts";

type Response = Read<typeof WatchResponse>;

export interface EtcdWatchOptions {
  readonly client: Pick<EtcdClient, "stream">;
  readonly clock: Clock;
  /** Whether a progress request is answered only when all before it has been sent. */
  readonly soundProgress: boolean;
  /** The store's revision now. */
  readonly revision: () => Promise<number>;
  /** Writes a marker and takes it away again. */
  readonly mark: (key: string) => Promise<void>;
  readonly over: () => void;
}

const retryMs = 250;
const patienceMs = 50;
const markerName = "\0chartroom.progress";

export class EtcdWatch {
  /** Resolves once it is known from which revision on it watches, or it is over. */
  readonly started = Promise.withResolvers<void>();
  #next: number;
  #stream: EtcdStream<Read<typeof RequestMessage>, Response> | undefined;
  #wake: Wake | undefined;
  #askWake: Wake | undefined;
  #over = false;
  #wantsProgress = false;
  /** Counts the times that progress was asked for: only the last one is tried again. */
  #asked = 0;
  /** Events up to this revision are the progress that was asked for. */
  #enough = Infinity;
  /** The revision from which on events were asked for again, because one of them came without what it replaced. */
  #again = 0;
  readonly #marker: string;
  readonly #end: string | undefined;

  constructor(readonly request: WatchRequest, readonly sink: WatchSink, readonly options: EtcdWatchOptions) {
    const { key, end, startRevision = 0 } = request;
    this.#next = startRevision;
    this.#marker = end === noEnd ? `\u{10ffff}${markerName}` : `${end ?? key}${markerName}`;
    this.#end = options.soundProgress || end === noEnd ? end : `${this.#marker}\0`;
    if (startRevision > 0) this.started.resolve();
    void this.#open();
  }

  requestProgress(): void {
    if (this.#over) return;
    this.#wantsProgress = true;
    void this.#askProgress();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.started.resolve();
    this.#wake?.cancel();
    this.#askWake?.cancel();
    this.#stream?.cancel();
    this.options.over();
  }

  end(error: StorageError): void {
    if (this.#over) return;
    this.cancel();
    this.sink.closed(error);
  }

  async #open(): Promise<void> {
    if (this.#over) return;
    this.#parts = [];
    try {
      const stream = await this.options.client.stream("Watch", "Watch", services.Watch.Watch);
      if (this.#over) return stream.cancel();
      this.#stream = stream;
      stream.on("data", (response: Response) => this.#stream === stream && this.#take(response));
      stream.on("error", (error: ServiceError) => this.#stream === stream && this.#broken(error));
      stream.on("end", () => this.#stream === stream && this.#broken());
      const { key, previous = false } = this.request;
      stream.write({
        createRequest: { ...rangeBytes(key, this.#end), startRevision: this.#next, prevKv: previous, fragment: true },
      });
    } catch {
      this.#broken();
    }
  }

  #broken(_?: ServiceError): void {
    this.#stream = undefined;
    if (this.#over) return;
    const { clock } = this.options;
    this.#wake = clock.wakeAt(clock.now() + retryMs, () => void this.#open());
  }

  #parts: Response["events"] = [];

  #take(response: Response): void {
    if (this.#over) return;
    const revision = response.header?.revision ?? 0;
    if (response.compactRevision > 0) {
      const message =
        `Cannot watch from revision ${this.#next}: the history before ${response.compactRevision} is compacted`;
      return this.end(new StorageError("compacted", message, response.compactRevision));
    }
    if (response.canceled) {
      return this.end(new StorageError("unavailable", `Cannot watch in etcd: ${response.cancelReason || "cancelled"}`));
    }
    if (response.created) {
      if (this.#next === 0) this.#next = revision + 1;
      this.started.resolve();
      if (this.#wantsProgress) void this.#askProgress();
      return;
    }
    if (response.events.length === 0) return this.#progress(revision);
    this.#parts.push(...response.events);
    if (response.fragment) return;
    const events = this.#parts;
    this.#parts = [];
    if (this.request.previous && this.#again !== this.#next && events.some(lacksPrevious)) return this.#askAgain();
    this.#deliver(events);
  }

  /**
   * etcd notes that a watch wants previous records only after it has begun to watch: what somebody else writes in that
   * moment comes without. From the history it comes with them, unless they are compacted.
   */
  #askAgain(): void {
    this.#again = this.#next;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
    void this.#open();
  }

  #deliver(messages: Response["events"]): void {
    const last = messages.at(-1)!.kv!.modRevision;
    const events: StorageEvent[] = [];
    let marked = 0;
    for (const { type, kv, prevKv } of messages) {
      const key = kv === undefined ? undefined : keyOf(kv.key);
      if (kv === undefined || kv.modRevision < this.#next) continue;
      if (key === this.#marker) marked = type === eventTypes.put ? kv.modRevision : marked;
      else if (key === undefined || inRange(key, this.request.key, this.request.end)) {
        const previous = prevKv === undefined ? {} : { previous: recordOf(prevKv) };
        events.push({ type: type === eventTypes.delete ? "delete" : "put", kv: recordOf(kv), ...previous });
      }
    }
    this.#next = last + 1;
    if (events.length > 0) {
      this.sink.events(events, last);
      if (last >= this.#enough) this.#progress(last);
    }
    if (marked > 0) this.#progress(marked - 1);
  }

  #progress(revision: number): void {
    if (this.#over || !this.#wantsProgress) return;
    this.#wantsProgress = false;
    this.#enough = Infinity;
    this.sink.progress(revision);
  }

  async #askProgress(): Promise<void> {
    const asked = ++this.#asked;
    try {
      await this.started.promise;
      const revision = await this.options.revision();
      if (this.#over || !this.#wantsProgress) return;
      // A watch that begins in the future is told nothing before its first event.
      this.#enough = Math.max(revision, this.#next);
      if (revision < this.#next - 1) return;
      if (this.options.soundProgress) return void this.#stream?.write({ progressRequest: {} });
      // Where writes go on, an event is soon there and saves the marker.
      this.#enough = revision;
      const { clock } = this.options;
      await new Promise<void>((resolve) => clock.wakeAt(clock.now() + patienceMs, resolve));
      if (!this.#over && this.#wantsProgress) await this.options.mark(this.#marker);
    } catch {
      if (this.#over || asked !== this.#asked || !this.#wantsProgress) return;
      const { clock } = this.options;
      this.#askWake = clock.wakeAt(clock.now() + retryMs, () => asked === this.#asked && void this.#askProgress());
    }
  }
}

function lacksPrevious({ type, kv, prevKv }: Response["events"][number]): boolean {
  return prevKv === undefined && kv !== undefined && (type === eventTypes.delete || kv.version > 1);
}
