/** The kubelet's events: the shared recorder (actors/events), by what the kubelet knows of their subject. */
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import { EventRecorder as SharedRecorder } from "../events/event_recorder.ts";

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

export interface KubeletEvents {
  record(
    subject: EventSubject,
    kind: string,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    fieldPath?: string,
  ): void;
  /** Everything recorded so far has been written or is lost. */
  flush(): Promise<void>;
}

export class EventRecorder implements KubeletEvents {
  readonly #shared: SharedRecorder;

  constructor(ports: { client: ApiClient; clock: Clock; component: string; host: string }) {
    this.#shared = new SharedRecorder(ports);
  }

  /** Events that could not be written or were too many at once: they are no state, nobody waits for them. */
  get lost(): number {
    return this.#shared.dropped;
  }

  record(
    { apiVersion = "v1", metadata }: EventSubject,
    kind: string,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    fieldPath = "",
  ): void {
    this.#shared.record({ about: { apiVersion, kind, metadata }, type, reason, message, fieldPath });
  }

  async flush(): Promise<void> {
    await this.#shared.flush();
  }
}
