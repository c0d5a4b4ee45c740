/** Events about objects, as `kubectl describe` shows them: the same event again counts up instead of being new. */
import type { KubeObject } from "../../machines/objects/object.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";

export interface EventSubject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion?: string;
  };
}

interface Known {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

/** Events that are remembered for counting up; the oldest are forgotten. */
const mostKnown = 4_096;

export class EventRecorder {
  #known = new Map<string, Known>();
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #sequence = 0;
  /** Events that could not be written or were too many at once: they are no state, nobody waits for them. */
  lost = 0;

  constructor(
    readonly ports: { client: ApiClient; clock: Clock; component: string; host: string },
  ) {}

  record(
    subject: EventSubject,
    kind: string,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    fieldPath = "",
  ): void {
    if (this.#waiting > 1_000) {
      this.lost++;
      return;
    }
    this.#waiting++;
    const at = this.ports.clock.wallTime();
    this.#queue = this.#queue.then(async () => {
      try {
        await this.#write(subject, kind, type, reason, message, fieldPath, at);
      } catch {
        this.lost++;
      } finally {
        this.#waiting--;
      }
    });
  }

  /** Everything recorded so far has been written or is lost. */
  async flush(): Promise<void> {
    await this.#queue;
  }

  async #write(
    { apiVersion = "v1", metadata }: EventSubject,
    kind: string,
    type: string,
    reason: string,
    message: string,
    fieldPath: string,
    at: number,
  ): Promise<void> {
    const { client, component, host } = this.ports;
    const namespace = metadata.namespace ?? "default";
    const now = new Date(at).toISOString().replace(/\.\d+/, "");
    const key = [kind, namespace, metadata.name, metadata.uid, fieldPath, type, reason, message].join("\n");
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.count++;
      const patch = { count: known.count, lastTimestamp: now };
      try {
        await client.patch(resources.events, known.namespace, known.name, "merge", patch);
        return;
      } catch {
        this.#known.delete(key); // Events expire after an hour: begin anew.
      }
    }
    // Nanoseconds, as other components name their events; those of one millisecond are told apart by counting.
    const moment = BigInt(at) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000);
    const name = `${metadata.name}.${moment.toString(16)}`;
    await client.create<KubeObject>(resources.events, namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion,
        kind,
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        uid: metadata.uid,
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
        ...(fieldPath === "" ? {} : { fieldPath }),
      },
      reason,
      message,
      source: { component, host },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host,
    });
    this.#known.set(key, { name, namespace, count: 1 });
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value!);
  }
}
