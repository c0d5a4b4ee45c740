/** Carries out `machines/audit/audit_delivery_machine.ts`: a bounded queue, and a destination that takes batches of it. */
import { auditDeliveryMachine } from "../../machines/audit/audit_delivery_machine.ts";
import type { AuditSink } from "../../ports/audit_sink.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";

/** kube-apiserver's modes: requests wait for the log, fail with it, or neither. */
export type AuditMode = "batch" | "blocking" | "blocking-strict";

export interface AuditDestination {
  /** `lines`: one JSON text each. @throws Error when it could not take them, whole or in part. */
  deliver(lines: readonly string[]): Promise<void>;
  close?(): Promise<void>;
}

export interface AuditDeliveryOptions {
  readonly system: ActorSystem;
  readonly node: string;
  /** `log`, `webhook`. */
  readonly name: string;
  readonly destination: AuditDestination;
  readonly mode: AuditMode;
  /** In batch mode: how many events may wait. More are dropped, and counted. */
  readonly bufferSize: number;
  readonly maxBatch: number;
  /** In batch mode. */
  readonly maxWaitMs: number;
  readonly attempts: number;
  readonly retryMs: number;
  report(problem: string): void;
}

interface Waiting {
  readonly line: string;
  resolve?(): void;
  reject?(error: Error): void;
}

export class AuditDelivery implements AuditSink {
  readonly #options: AuditDeliveryOptions;
  readonly #at: Address;
  #queue: Waiting[] = [];
  #onTheirWay: Waiting[] = [];
  /** The actor knows that something waits. */
  #isKnown = false;
  #lastError = new Error("nothing was tried");
  #reportedDrops = 0;
  #idle: (() => void) | undefined;
  dropped = 0;

  constructor(options: AuditDeliveryOptions) {
    const { system, node, name, mode, maxBatch, attempts, retryMs } = options;
    this.#options = options;
    this.#at = address({ node, kind: "audit", name });
    const kind = actorKind("audit", auditDeliveryMachine, {
      sendBatch: (_params, order) => {
        if (this.#onTheirWay.length === 0) this.#onTheirWay = this.#queue.splice(0, maxBatch);
        options.destination.deliver(this.#onTheirWay.map(({ line }) => line)).then(() => {
          for (const { resolve } of this.#onTheirWay.splice(0)) resolve?.();
          order.answer({ type: "batch.sent", left: this.#left() });
        }, (error: Error) => {
          this.#lastError = error;
          order.fail(error);
        });
      },
      dropBatch: (_params, order) => {
        this.#giveUp(this.#onTheirWay.splice(0), this.#lastError.message);
        order.answer({ type: "batch.dropped", left: this.#left() });
      },
    });
    const input = { maxWaitMs: mode === "batch" ? options.maxWaitMs : 0, maxBatch, attempts, retryMs };
    const recover = () => {
      this.#queue.unshift(...this.#onTheirWay.splice(0));
      this.#isKnown = false;
      return input;
    };
    system.spawn(kind, { address: this.#at, input, recover });
  }

  write(line: string): Promise<void> | undefined {
    const { mode, bufferSize } = this.#options;
    if (mode === "batch") {
      if (this.#queue.length >= bufferSize) this.#giveUp([{ line }], "too many events wait");
      else this.#wait({ line });
      return undefined;
    }
    return new Promise((resolve, reject) => this.#wait({ line, resolve, reject }));
  }

  #wait(waiting: Waiting): void {
    const { system, maxBatch } = this.#options;
    this.#queue.push(waiting);
    if (!this.#isKnown) system.tell(this.#at, { type: "events.waiting" });
    this.#isKnown = true;
    if (this.#queue.length === maxBatch) system.tell(this.#at, { type: "batch.full" });
  }

  /** How many wait, told to the actor in the same turn: who comes later tells it anew. */
  #left(): number {
    const left = this.#queue.length;
    this.#isKnown = left > 0;
    if (left === 0) this.#idle?.();
    return left;
  }

  #giveUp(lost: readonly Waiting[], why: string): void {
    const { mode, name, report } = this.#options;
    this.dropped += lost.length;
    // The first, and then ten times as many: a full disk must not fill the terminal too.
    if (this.dropped >= Math.max(1, this.#reportedDrops * 10)) {
      this.#reportedDrops = this.dropped;
      report(`Audit ${name}: ${this.dropped} events are lost so far: ${why}`);
    }
    for (const { resolve, reject } of lost) mode === "blocking-strict" ? reject?.(new Error(why)) : resolve?.();
  }

  /** Hands over what waits, for as long as that takes and no longer than `patience` resolves. */
  async stop(patience: Promise<void>): Promise<void> {
    const { system, destination } = this.#options;
    if (this.#queue.length + this.#onTheirWay.length > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      system.tell(this.#at, { type: "flush.requested" });
      await Promise.race([promise, patience]);
    }
    system.stop(this.#at);
    this.#giveUpRest();
    await destination.close?.();
  }

  #giveUpRest(): void {
    const rest = [...this.#onTheirWay.splice(0), ...this.#queue.splice(0)];
    if (rest.length > 0) this.#giveUp(rest, "the server stopped");
  }
}
