/** Commands that wait for the next batch, in order, and those of the batch under way. */
import type { Command } from "../../machines/store/command.ts";
import type { Outcome, Refusal, TxnRequest } from "../../machines/store/requests.ts";

export interface Proposal {
  readonly command: Command;
  readonly bytes: number;
  /** Called once: with what the committed command came to, or with why it is not known to be committed. */
  readonly settle: (outcome: Outcome) => void;
}

/** What one batch may hold: more would make the applying of it hold the loop for long. */
const batchLimits = { entries: 1_024, bytes: 1 << 20 };

export class ProposalQueue {
  #waiting: Proposal[] = [];
  #head = 0;
  #bytes = 0;
  #underWay: readonly Proposal[] = [];

  constructor(readonly limits: { readonly proposals: number; readonly bytes: number }) {}

  get length(): number {
    return this.#waiting.length - this.#head;
  }

  get isFull(): boolean {
    return this.length >= this.limits.proposals || this.#bytes >= this.limits.bytes;
  }

  push(command: Command, settle: Proposal["settle"]): void {
    const bytes = weigh(command);
    this.#bytes += bytes;
    this.#waiting.push({ command, bytes, settle });
  }

  /** The next batch; `finish` it or `refuse` everything. */
  take(): readonly Proposal[] {
    let end = this.#head;
    let bytes = 0;
    while (end < this.#waiting.length && end - this.#head < batchLimits.entries && bytes < batchLimits.bytes) {
      bytes += this.#waiting[end++]!.bytes;
    }
    this.#underWay = this.#waiting.slice(this.#head, end);
    this.#bytes -= bytes;
    this.#head = end;
    if (this.#head === this.#waiting.length || this.#head > 4_096) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return this.#underWay;
  }

  /** The batch under way is durable and applied. */
  finish(outcomes: readonly Outcome[]): void {
    const done = this.#underWay;
    this.#underWay = [];
    for (let i = 0; i < done.length; i++) done[i]!.settle(outcomes[i]!);
  }

  /** Nobody waits any more. What is under way may or may not be on the disk. */
  refuse(refusal: Refusal): void {
    const waiting = this.#waiting.slice(this.#head);
    const unknown = this.#underWay;
    this.#waiting = [];
    this.#underWay = [];
    this.#head = 0;
    this.#bytes = 0;
    const message = `${refusal.message}; whether the write was made is not known`;
    for (const { settle } of unknown) settle({ type: "refused", refusal: { ...refusal, message } });
    for (const { settle } of waiting) settle({ type: "refused", refusal });
  }
}

/** About the size of its log entry. */
export function weigh(command: Command): number {
  return command.type === "txn" ? 64 + weighTxn(command) : 32;
}

export function weighTxn({ compare, success, failure }: TxnRequest): number {
  let bytes = 0;
  for (const { key, value } of compare) bytes += key.length + (typeof value === "number" ? 8 : value.length);
  for (const operations of [success, failure]) {
    for (const operation of operations) {
      bytes += 16;
      if (operation.type === "txn") bytes += weighTxn(operation);
      else bytes += operation.key.length + (operation.type === "put" ? operation.value.length : 0);
    }
  }
  return bytes;
}
