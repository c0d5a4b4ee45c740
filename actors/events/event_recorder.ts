/**
 * Records Events (core/v1) about objects. The same event about the same object again counts up the one that is there
 * (client-go's event correlator); events are a help for people, so a refused one is dropped and counted, never retried.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { formatMicroTime, formatTime } from "../../machines/objects/time.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";

export interface RecordedEvent {
  readonly about: Pick<KubeObject, "apiVersion" | "kind" | "metadata">;
  /** For a part of a pod: `spec.containers{web}`. */
  readonly fieldPath?: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** What was being done, for components that report in the newer form (events.k8s.io): "Binding". */
  readonly action?: string;
}

/** Remembered events, so that a repeated one counts up; and the most that wait to be written. */
const remembered = 4096;
const waitingAtMost = 1000;

interface Seen {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

export class EventRecorder {
  /** Events that were refused by the API server, or for which there was no room. */
  dropped = 0;
  #seen = new Map<string, Seen>();
  #waiting: RecordedEvent[] = [];
  #writing = false;
  #last = 0;

  /** `component` and `host`: the events' source. */
  constructor(
    readonly options: { client: ApiClient; clock: Clock; component: string; host?: string },
  ) {}

  record(event: RecordedEvent): void {
    if (this.#waiting.length >= waitingAtMost) {
      this.dropped++;
      return;
    }
    this.#waiting.push(event);
    if (!this.#writing) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    try {
      for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
        try {
          await this.#write(event);
        } catch {
          this.dropped++; // Its namespace may be gone, or the server; people still see the object itself.
        }
      }
    } finally {
      this.#writing = false;
    }
  }

  async #write(event: RecordedEvent): Promise<void> {
    const { client, clock, component } = this.options;
    const { about, type, reason, message, fieldPath } = event;
    const now = formatTime(clock.wallTime());
    const key = [about.metadata.uid, fieldPath, type, reason, message].join("\n");
    const seen = this.#seen.get(key);
    if (seen !== undefined) {
      seen.count++;
      const body = event.action === undefined
        ? { count: seen.count, lastTimestamp: now }
        : { series: { count: seen.count, lastObservedTime: formatMicroTime(clock.wallTime()) } };
      try {
        await client.patch(resources.events, seen.namespace, seen.name, "merge", body);
        return;
      } catch {
        this.#seen.delete(key); // It has expired or was deleted: write it anew.
      }
    }
    const namespace = about.metadata.namespace ?? "default";
    const name = `${about.metadata.name}.${this.#stamp()}`;
    await client.create(resources.events, namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        ...(about.metadata.namespace === undefined ? {} : { namespace }),
        uid: about.metadata.uid,
        resourceVersion: about.metadata.resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      ...(event.action === undefined ? this.#counted(now) : this.#acted(event.action)),
      reportingComponent: component,
    });
    this.#seen.set(key, { name, namespace, count: 1 });
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.keys().next().value!);
  }

  #counted(now: string) {
    const { component, host } = this.options;
    return {
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingInstance: host ?? "",
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      eventTime: null,
    };
  }

  #acted(action: string) {
    const { component, host, clock } = this.options;
    return {
      source: {},
      reportingInstance: `${component}-${host ?? "chartroom"}`,
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: formatMicroTime(clock.wallTime()),
      action,
    };
  }

  /** Wall time in nanoseconds as hex, as Kubernetes names events; made unique within this recorder. */
  #stamp(): string {
    this.#last = Math.max(this.#last + 1, this.options.clock.wallTime() * 1000);
    return (BigInt(Math.floor(this.#last)) * 1000n).toString(16);
  }
}
