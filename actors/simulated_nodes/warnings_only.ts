/** A simulated kubelet's events: what went wrong. That nothing was pulled, created and started needs no telling. */
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import { EventRecorder, type KubeletEvents } from "../kubelet/event_recorder.ts";

export class WarningsOnly implements KubeletEvents {
  #recorder: EventRecorder | undefined;

  constructor(readonly ports: { client: ApiClient; clock: Clock; component: string; host: string }) {}

  record(...event: Parameters<KubeletEvents["record"]>): void {
    const [, , type] = event;
    if (type === "Warning") (this.#recorder ??= new EventRecorder(this.ports)).record(...event);
  }

  async flush(): Promise<void> {
    await this.#recorder?.flush();
  }
}
