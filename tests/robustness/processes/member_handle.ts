/** A member's process as its parent has it: questions, answers, watches, signals. */
import { StorageError, type StorageEvent, type WatchSink } from "../../../ports/storage.ts";
import type { Access } from "../recorder.ts";
import { decodeLine, encodeLine, lines, type MemberConfig } from "./lines.ts";

type Told =
  | { readonly opened: true }
  | { readonly refused: Failure }
  | { readonly id: number; readonly result?: unknown; readonly error?: Failure }
  | {
    readonly watch: number;
    readonly revision?: number;
    readonly events?: StorageEvent[];
    readonly closed?: Failure;
  };
interface Failure {
  readonly code: StorageError["code"];
  readonly message: string;
  readonly compactedRevision?: number;
}
interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const program = new URL("./member_process.ts", import.meta.url).pathname;
/** A question that nobody has answered by then may be anything. */
const patienceMs = 15_000;

export class MemberHandle {
  readonly access: Access;
  /** Resolves when it serves; rejects when it cannot. */
  readonly opened = Promise.withResolvers<void>();
  readonly ended: Promise<void>;
  #alive = true;
  #ids = 0;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #pending = new Map<number, Pending>();
  readonly #sinks = new Map<number, WatchSink>();

  constructor(config: MemberConfig) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--cached-only", program],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.opened.promise.catch(() => {});
    this.ended = this.#follow();
    this.#say(config);
    this.access = {
      range: (request) => this.ask("range", request) as never,
      txn: (request) => this.ask("txn", request) as never,
      compact: (revision) => this.ask("compact", revision) as never,
      grantLease: (request) => this.ask("grantLease", request) as never,
      keepLeaseAlive: (id) => this.ask("keepLeaseAlive", id) as never,
      watch: (request, sink) => {
        const id = ++this.#ids;
        this.#sinks.set(id, sink);
        if (this.#alive) this.#say({ id, what: "watch", args: [request] });
        else queueMicrotask(() => this.#closed(id, { code: "closed", message: "The process is gone" }));
        return {
          requestProgress: () => void this.ask("progress", id).catch(() => {}),
          cancel: () => {
            this.#sinks.delete(id);
            this.ask("cancel", id).catch(() => {});
          },
        };
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  ask(what: string, ...args: readonly unknown[]): Promise<unknown> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      if (!this.#alive) return reject(new StorageError("closed", "The process is gone"));
      const timer = setTimeout(() => this.#settle(id)?.reject(notKnown("it has not answered")), patienceMs);
      const settled = () => clearTimeout(timer);
      this.#pending.set(id, {
        resolve: (result) => (settled(), resolve(result)),
        reject: (error) => (settled(), reject(error)),
      });
      this.#say({ id, what, args });
    });
  }

  signal(signal: Deno.Signal): void {
    if (this.#alive) this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  #say(line: unknown): void {
    this.#input.write(encodeLine(line)).catch(() => {}); // It is gone: its end is told by its output.
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  async #follow(): Promise<void> {
    try {
      for await (const line of lines(this.#child.stdout)) this.#told(decodeLine(line) as Told);
    } catch (error) {
      // A line that was cut off by its death.
      if (!(error instanceof SyntaxError)) throw error;
    }
    await this.#child.status;
    this.#alive = false;
    this.opened.reject(new StorageError("unavailable", "The process has ended"));
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(notKnown("its process is gone"));
    for (const id of [...this.#sinks.keys()]) this.#closed(id, { code: "closed", message: "The process is gone" });
    await this.#input.close().catch(() => {});
  }

  #told(told: Told): void {
    if ("opened" in told) return this.opened.resolve();
    if ("refused" in told) return this.opened.reject(new StorageError(told.refused.code, told.refused.message));
    if ("id" in told) {
      const { error } = told;
      const pending = this.#settle(told.id);
      if (error === undefined) pending?.resolve(told.result);
      else pending?.reject(new StorageError(error.code, error.message, error.compactedRevision));
      return;
    }
    const sink = this.#sinks.get(told.watch);
    if (told.closed !== undefined) this.#closed(told.watch, told.closed);
    else if (told.events !== undefined) sink?.events(told.events, told.revision!);
    else sink?.progress(told.revision!);
  }

  #closed(id: number, { code, message }: Failure): void {
    const sink = this.#sinks.get(id);
    this.#sinks.delete(id);
    sink?.closed(new StorageError(code, message));
  }
}

const notKnown = (why: string) =>
  new StorageError("unavailable", `Cannot hear of the request: ${why}; whether it was carried out is not known`);
