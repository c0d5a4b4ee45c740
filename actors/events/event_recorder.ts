/**
 * Records Events (core/v1) about objects. The same event about the same object again counts up the one that is there;
 * events are a help for people, so a refused one is dropped and counted, never retried.
 */
import { EventCorrelator, keep } from "../../machines/events/event_correlator.ts";
import { resources } from "../../machines/objects/resources.ts";
import { formatMicroTime, formatTime } from "../../machines/objects/time.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";

export interface RecordedEvent {
  readonly about: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly uid: string;
      readonly resourceVersion?: string;
    };
  };
  /** For a part of a pod: `spec.containers{web}`. */
  readonly fieldPath?: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** What was being done, for components that report in the newer form (events.k8s.io): "Binding". */
  readonly action?: string;
}

/** The most that wait to be written, and that are on their way at once. */
const waitingAtMost = 10_000;
const atOnce = 8;

interface Seen {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

interface Waiting {
  readonly event: RecordedEvent;
  readonly key: string;
  readonly message: string;
  readonly combined: boolean;
  /** When it happened; it may be written a little later. */
  readonly at: number;
}

export class EventRecorder {
  /** Events that were refused by the API server, or for which there was no room, or too many about one object. */
  dropped = 0;
  #correlator = new EventCorrelator();
  #seen = new Map<string, Seen>();
  #waiting: Waiting[] = [];
  /** Keys on their way: the next of the same key waits for what became of it. */
  #underWay = new Map<string, Promise<void>>();
  #writing = 0;
  #last = 0;
  #idle: (() => void)[] = [];

  /** `component` and `host`: the events' source. */
  constructor(
    readonly options: { client: ApiClient; clock: Clock; component: string; host?: string },
  ) {}

  record(event: RecordedEvent): void {
    const at = this.options.clock.wallTime();
    const told = this.#waiting.length < waitingAtMost ? this.#correlator.correlate(event, at) : undefined;
    if (told === undefined) {
      this.dropped++;
      return;
    }
    this.#waiting.push({ event, ...told, at });
    this.#pump();
  }

  /** Resolves when everything recorded so far has been written or dropped. */
  async flush(): Promise<void> {
    if (this.#writing === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (this.#writing < atOnce) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#writing++;
      const before = this.#underWay.get(next.key);
      const written = (before === undefined ? this.#write(next) : before.then(() => this.#write(next)))
        .catch(() => void this.dropped++) // Its namespace may be gone, or the server; people still see the object itself.
        .then(() => {
          if (this.#underWay.get(next.key) === written) this.#underWay.delete(next.key);
          this.#writing--;
          this.#pump();
        });
      this.#underWay.set(next.key, written);
    }
    if (this.#writing === 0) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  async #write(waiting: Waiting): Promise<void> {
    const { client } = this.options;
    const { key, event, combined } = waiting;
    const message = waiting.message.slice(0, 1024);
    const seen = this.#seen.get(key);
    if (seen !== undefined) {
      seen.count++;
      const body = event.action === undefined
        ? { count: seen.count, lastTimestamp: formatTime(waiting.at), ...(combined && { message }) }
        : { series: { count: seen.count, lastObservedTime: formatMicroTime(waiting.at) } };
      try {
        await client.patch(resources.events, seen.namespace, seen.name, "merge", body);
        return;
      } catch {
        this.#seen.delete(key); // It has expired or was deleted: write it anew.
      }
    }
    const { about, type, reason } = event;
    const namespace = about.metadata.namespace ?? "default";
    const name = `${about.metadata.name}.${this.#stamp(waiting.at)}`;
    await client.create(resources.events, namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: this.#involved(event),
      type,
      reason,
      message,
      ...(event.action === undefined ? this.#counted(waiting) : this.#acted(event.action, waiting.at)),
    });
    keep(this.#seen, key, { name, namespace, count: 1 });
  }

  #involved({ about: { apiVersion, kind, metadata }, fieldPath }: RecordedEvent) {
    const { name, namespace, uid, resourceVersion } = metadata;
    return {
      apiVersion,
      kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(fieldPath ? { fieldPath } : {}),
    };
  }

  #counted({ at, combined }: Waiting) {
    const { component, host } = this.options;
    return {
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: formatTime(at),
      lastTimestamp: formatTime(at),
      count: 1,
      eventTime: null,
      // client-go leaves these out of events that it combines.
      reportingComponent: combined ? "" : component,
      reportingInstance: combined ? "" : host ?? "",
    };
  }

  #acted(action: string, at: number) {
    const { component, host } = this.options;
    return {
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: formatMicroTime(at),
      action,
      reportingComponent: component,
      reportingInstance: `${component}-${host ?? "chartroom"}`,
    };
  }

  /** Wall time in nanoseconds as hex, as Kubernetes names events; made unique within this recorder. */
  #stamp(at: number): string {
    this.#last = Math.max(this.#last + 1, at * 1000);
    return (BigInt(Math.floor(this.#last)) * 1000n).toString(16);
  }
}
