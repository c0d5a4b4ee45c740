/**
 * Reads that see everything acknowledged before they began (read index). Those that come while a question is under way
 * wait for the next one; a question without an answer is asked again.
 */
import type { Wake } from "../../../ports/clock.ts";
import { StorageError } from "../../../ports/storage.ts";
import { firstOfLife } from "./first_of_life.ts";
import type { Replica } from "./replica.ts";

interface Read {
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
  readonly deadline: number;
}

/** After this long a question is taken to be lost. */
const askAgainMs = 300;

export class Reads {
  #waiting: Read[] = [];
  #asked: { readonly id: number; readonly reads: readonly Read[] } | undefined;
  #confirmed: { readonly index: number; readonly reads: readonly Read[] }[] = [];
  #number: number;
  #retry: Wake | undefined;

  constructor(readonly replica: Replica) {
    this.#number = firstOfLife(replica.options.random);
  }

  /** Resolves when what is applied here contains everything acknowledged before the call. */
  barrier(): Promise<void> {
    const { replica } = this;
    if (replica.refusal !== undefined) return Promise.reject(replica.refused(replica.refusal));
    if (this.size >= replica.options.queue.reads) {
      const message = `Cannot take the request: ${this.size} other reads wait`;
      return Promise.reject(new StorageError("tooManyRequests", message));
    }
    const deadline = replica.options.clock.now() + replica.options.requestTimeoutMs;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, deadline });
      if (this.#asked === undefined) this.#ask();
    });
  }

  get size(): number {
    return this.#waiting.length + (this.#asked?.reads.length ?? 0) +
      this.#confirmed.reduce((sum, { reads }) => sum + reads.length, 0);
  }

  /** By the log's chart. */
  serve(ids: readonly number[], index: number): void {
    const asked = this.#asked;
    if (asked === undefined || !ids.includes(asked.id)) return;
    this.#asked = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#confirmed.push({ index, reads: asked.reads });
    this.noteApplied();
    if (this.#waiting.length > 0) this.#ask();
  }

  /** There is no leader to ask; whoever waits asks again when one is known, or after a while. */
  refuse(ids: readonly number[]): void {
    if (this.#asked !== undefined && ids.includes(this.#asked.id)) this.#askLater();
  }

  leaderChanged(): void {
    if (this.#asked !== undefined || this.#waiting.length > 0) this.#ask();
  }

  noteApplied(): void {
    const { index } = this.replica.applied;
    while (this.#confirmed.length > 0 && this.#confirmed[0]!.index <= index) {
      for (const { resolve } of this.#confirmed.shift()!.reads) resolve();
    }
  }

  refuseAll(error: StorageError): void {
    const all = [...this.#confirmed.flatMap(({ reads }) => reads), ...this.#asked?.reads ?? [], ...this.#waiting];
    this.#confirmed = [];
    this.#asked = undefined;
    this.#waiting = [];
    this.#retry?.cancel();
    for (const { reject } of all) reject(error);
  }

  #ask(): void {
    const now = this.replica.options.clock.now();
    const all = [...this.#asked?.reads ?? [], ...this.#waiting];
    const late = all.filter(({ deadline }) => deadline <= now);
    const reads = all.filter(({ deadline }) => deadline > now);
    this.#waiting = [];
    this.#asked = undefined;
    for (const { reject } of late) reject(this.#timedOut());
    if (reads.length === 0) return;
    const id = ++this.#number;
    this.#asked = { id, reads };
    this.#askLater();
    this.replica.raft?.send({ type: "reads.wanted", ids: [id] });
  }

  #timedOut(): StorageError {
    const { leader = "" } = this.replica.context ?? {};
    const why = leader === "" ? "there is no leader" : `leader ${leader} does not answer`;
    return new StorageError("unavailable", `Cannot read: ${why}`);
  }

  #askLater(): void {
    const { clock } = this.replica.options;
    this.#retry?.cancel();
    this.#retry = clock.wakeAt(clock.now() + askAgainMs, () => {
      this.#retry = undefined;
      this.#ask();
    });
  }
}
