import type { ToWorker } from "./worker_messages.ts";

/** A worker, asked one thing at a time. */
export class CrewMember {
  readonly #worker = new Worker(new URL("./check_worker.ts", import.meta.url), { type: "module" });

  ask<Answer>(told: ToWorker): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#worker.onmessage = ({ data: { answer, problem } }) =>
      problem === undefined ? resolve(answer) : reject(new Error(problem));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot go on: a worker has ended: ${event.message}`));
    };
    this.#worker.postMessage(told);
    return promise;
  }

  dismiss(): void {
    this.#worker.terminate();
  }
}
