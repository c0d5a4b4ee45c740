/**
 * Watches of one store. What a batch changed is handed, record by record, to the watches whose range holds the key, and
 * each watch is called once per batch. A watch from the past reads history in pieces until it has caught up.
 */
import { type KeyValueState, recordsOf } from "../../machines/store/key_value_state.ts";
import { RangeIndex } from "../../machines/store/range_index.ts";
import { eventOf, eventsFrom, eventWithPrevious } from "../../machines/store/watch_events.ts";
import type { Clock } from "../../ports/clock.ts";
import {
  StorageError,
  type StorageEvent,
  type StorageWatch,
  type WatchRequest,
  type WatchSink,
} from "../../ports/storage.ts";

/** Records of history that one piece looks at. */
const recordsPerPiece = 2_000;

interface Watcher extends WatchRequest {
  readonly sink: WatchSink;
  /** The first revision that it has not been given. */
  next: number;
  /** For the batch that is being handed out. */
  events: StorageEvent[];
  /** In the index; before that it is catching up. */
  present: boolean;
  over: boolean;
}

export class WatchHub {
  #index = new RangeIndex<Watcher>();
  #all = new Set<Watcher>();
  #progressWanted = new Set<Watcher>();
  /** The last revision that was handed out. */
  #revision: number;

  constructor(public state: KeyValueState, readonly clock: Clock) {
    this.#revision = state.revision;
  }

  /** The store has leapt ahead, by a snapshot: watches catch up from what history it brings. */
  rebase(state: KeyValueState): void {
    this.state = state;
    this.#index = new RangeIndex();
    for (const watcher of this.#all) {
      if (!watcher.present) continue;
      watcher.present = false;
      watcher.next = Math.max(watcher.next, this.#revision + 1);
      this.clock.soon(() => this.#catchUp(watcher));
    }
    this.#revision = state.revision;
  }

  get size(): number {
    return this.#all.size;
  }

  watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    const watcher: Watcher = {
      ...request,
      sink,
      next: request.startRevision || this.state.revision + 1,
      events: [],
      present: false,
      over: false,
    };
    this.#all.add(watcher);
    if (watcher.next > this.state.revision) this.#join(watcher);
    else this.clock.soon(() => this.#catchUp(watcher));
    return {
      requestProgress: () => {
        if (watcher.over) return;
        this.#progressWanted.add(watcher);
        if (watcher.present) this.clock.soon(() => this.#reportProgress(watcher));
      },
      cancel: () => this.#remove(watcher),
    };
  }

  /** Hands out every revision that was applied since the last call. To be called before a compaction is applied. */
  flush(): void {
    const called: Watcher[] = [];
    while (this.#revision < this.state.revision) {
      const change = this.state.changeAt(++this.#revision);
      if (change === undefined || this.#all.size === 0) continue;
      for (const record of recordsOf(change)) {
        let plain: StorageEvent | undefined;
        let full: StorageEvent | undefined;
        this.#index.matches(record.key, (watcher) => {
          if (record.modRevision < watcher.next) return;
          const event = watcher.previous ? full ??= eventWithPrevious(this.state, record) : plain ??= eventOf(record);
          if (watcher.events.length === 0) called.push(watcher);
          watcher.events.push(event);
        });
      }
    }
    for (const watcher of called) {
      const { events } = watcher;
      watcher.events = [];
      this.#give(watcher, events, this.#revision);
    }
    for (const watcher of this.#progressWanted) if (watcher.present) this.#reportProgress(watcher);
  }

  /** Ends every watch. */
  closeAll(error: StorageError): void {
    for (const watcher of [...this.#all]) this.#end(watcher, error);
  }

  #join(watcher: Watcher): void {
    watcher.present = true;
    this.#index.add(watcher);
  }

  #catchUp(watcher: Watcher): void {
    if (watcher.over) return;
    const { compactedRevision } = this.state;
    if (watcher.next < compactedRevision) {
      const message =
        `Cannot watch from revision ${watcher.next}: the history before ${compactedRevision} is compacted`;
      this.#end(watcher, new StorageError("compacted", message, compactedRevision));
      return;
    }
    const { events, revision } = eventsFrom(this.state, watcher, watcher.next, recordsPerPiece);
    this.#give(watcher, events, revision);
    if (watcher.over) return;
    watcher.next = revision + 1;
    if (watcher.next <= this.state.revision) {
      this.clock.soon(() => this.#catchUp(watcher));
      return;
    }
    this.#join(watcher);
    this.#reportProgress(watcher);
  }

  #give(watcher: Watcher, events: readonly StorageEvent[], revision: number): void {
    if (events.length === 0 || watcher.over) return;
    this.#call(watcher, () => watcher.sink.events(events, revision));
  }

  /** A watch of the future is told nothing before its first revision: it would resume too early. */
  #reportProgress(watcher: Watcher): void {
    if (!this.#progressWanted.has(watcher) || this.#revision < watcher.next - 1) return;
    this.#progressWanted.delete(watcher);
    this.#call(watcher, () => watcher.sink.progress(this.#revision));
  }

  /** A sink that throws has lost events: its watch is over, the others go on. */
  #call(watcher: Watcher, act: () => void): void {
    try {
      act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#end(watcher, new StorageError("unavailable", `Cannot deliver events of "${watcher.key}": ${why}`));
    }
  }

  #end(watcher: Watcher, error: StorageError): void {
    if (watcher.over) return;
    this.#remove(watcher);
    try {
      watcher.sink.closed(error);
    } catch {
      // The sink has thrown before and was told so; there is nobody else to tell.
    }
  }

  #remove(watcher: Watcher): void {
    watcher.over = true;
    this.#all.delete(watcher);
    this.#progressWanted.delete(watcher);
    if (watcher.present) this.#index.delete(watcher);
  }
}
