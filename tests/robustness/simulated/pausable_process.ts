/** A process that can be stopped and go on (SIGSTOP, SIGCONT): meanwhile nothing of it runs, and time passes. */
import type { Clock, Wake } from "../../../ports/clock.ts";
import type { Disk, DiskFile } from "../../../ports/disk.ts";
import type { Transport } from "../../../ports/transport.ts";
import type { Access } from "../recorder.ts";

export class PausableProcess implements Clock {
  #isPaused = false;
  #late: (() => void)[] = [];

  /** `diskMs`: draws how long an operation of the disk takes; what is not synced by then may be lost. */
  constructor(readonly world: Clock, readonly diskMs: () => number = () => 0) {}

  now(): number {
    return this.world.now();
  }

  wallTime(): number {
    return this.world.wallTime();
  }

  wakeAt(at: number, callback: () => void): Wake {
    let isCancelled = false;
    const wake = this.world.wakeAt(at, () => this.#run(() => isCancelled || callback()));
    return {
      cancel: () => {
        isCancelled = true;
        wake.cancel();
      },
    };
  }

  soon(callback: () => void): void {
    this.world.soon(() => this.#run(callback));
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** What was due comes now, in the order in which it was. */
  resume(): void {
    this.#isPaused = false;
    const late = this.#late;
    this.#late = [];
    for (const callback of late) this.world.soon(() => this.#run(callback));
  }

  /** What others sent waits in its sockets. */
  transport(transport: Transport): Transport {
    return {
      self: transport.self,
      send: (to, message) => transport.send(to, message),
      listen: (receiver) =>
        transport.listen({
          received: (from, message) => this.#run(() => receiver.received(from, message)),
          unreachable: (peer) => this.#run(() => receiver.unreachable?.(peer)),
        }),
      setPeers: (peers) => transport.setPeers(peers),
      close: () => transport.close(),
    };
  }

  /** What the disk has done, it hears of later. */
  disk(disk: Disk): Disk {
    return this.#patient(disk, async (result) => {
      await this.#diskTime();
      return this.#isFile(result) ? this.#patient(result, (each) => this.#diskTime().then(() => each)) : result;
    });
  }

  #diskTime(): Promise<void> {
    const ms = this.diskMs();
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.wakeAt(this.now() + ms, resolve));
  }

  /** Requests to it, and what it says, wait. */
  access(access: Access): Access {
    const patient = this.#patient(access, (result) => result);
    return {
      range: (request) => this.#asked(() => patient.range(request)),
      txn: (request) => this.#asked(() => patient.txn(request)),
      compact: (revision) => this.#asked(() => patient.compact(revision)),
      grantLease: (request) => this.#asked(() => patient.grantLease(request)),
      keepLeaseAlive: (id) => this.#asked(() => patient.keepLeaseAlive(id)),
      watch: (request, sink) => access.watch(request, sink),
    };
  }

  #asked<T>(ask: () => Promise<T>): Promise<T> {
    return this.#isPaused ? this.#going().then(ask) : ask();
  }

  #patient<Port extends object>(port: Port, of: (result: unknown) => unknown): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, args);
          return result instanceof Promise ? this.#heard(result).then(of) : result;
        };
      },
    });
  }

  async #heard<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } finally {
      if (this.#isPaused) await this.#going();
    }
  }

  #going(): Promise<void> {
    return new Promise((resolve) => this.#run(resolve));
  }

  #isFile(result: unknown): result is DiskFile {
    return typeof result === "object" && result !== null && "append" in result;
  }

  #run(callback: () => void): void {
    if (this.#isPaused) this.#late.push(callback);
    else callback();
  }
}
