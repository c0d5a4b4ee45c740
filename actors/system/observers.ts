/** Who watches an actor system. They must not disturb what is watched. */
import type { Clock } from "../../ports/clock.ts";
import type { Counters, Inspection, MessageObserver, Observer, SentMessage } from "./inspection.ts";

export class Observers {
  readonly #inspecting = new Set<Observer>();
  readonly #overhearing = new Set<MessageObserver>();

  constructor(readonly clock: Clock, readonly counters: Counters) {}

  get size(): number {
    return this.#inspecting.size;
  }

  add(observer: Observer, sent?: MessageObserver): () => void {
    this.#inspecting.add(observer);
    if (sent !== undefined) this.#overhearing.add(sent);
    return () => {
      this.#inspecting.delete(observer);
      if (sent !== undefined) this.#overhearing.delete(sent);
    };
  }

  notify(inspection: Inspection): void {
    for (const observer of this.#inspecting) {
      this.tell(() => observer(inspection), () => this.#inspecting.delete(observer));
    }
  }

  sent(message: Omit<SentMessage, "type">): void {
    for (const observer of this.#overhearing) {
      this.tell(() => observer({ type: "message.sent", ...message }), () => this.#overhearing.delete(observer));
    }
  }

  /** One that throws hears no more, and the process hears of its bug. */
  tell(hear: () => void, leaveOut: () => void): void {
    try {
      hear();
    } catch (error) {
      leaveOut();
      this.counters.faults++;
      this.clock.soon(() => {
        throw error;
      });
    }
  }
}
