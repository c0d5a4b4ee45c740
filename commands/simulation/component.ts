/** Something of a cluster that runs in a process of its own, dies, and is started again. */
import { type SimulatedHost, SimulatedProcess } from "../../actors/simulated/simulated_process.ts";
import { ActorSystem, type MessageObserver, type Observer } from "../../actors/system.ts";
import type { Clock } from "../../ports/clock.ts";

export interface ComponentOptions {
  /** "kubelet/worker-0": kind and place. */
  readonly name: string;
  readonly host: SimulatedHost;
  readonly world: Clock;
  /** Starts what runs in it; one that fails is started anew after a second, as a supervisor does. */
  start(process: SimulatedProcess, system: ActorSystem): Promise<void> | void;
  died?(): void;
  readonly inspect: Observer;
  readonly sent?: MessageObserver;
  /** Instead of a plain one. */
  system?(clock: Clock): ActorSystem;
  escaped(error: unknown, process: SimulatedProcess): void;
  /** It could not be started, and why. */
  refused(error: unknown, component: Component): void;
}

const restartMs = 1_000;

export class Component {
  process: SimulatedProcess | undefined;
  system: ActorSystem | undefined;
  /** Counts its processes. */
  lives = 0;
  startedAtMs = 0;
  /** Nobody starts it while somebody wants it down. */
  #heldDown = 0;

  constructor(readonly options: ComponentOptions) {}

  get name(): string {
    return this.options.name;
  }

  get host(): SimulatedHost {
    return this.options.host;
  }

  get alive(): boolean {
    return this.process?.alive ?? false;
  }

  start(): void {
    if (this.alive || this.#heldDown > 0) return;
    const { name, host, world, escaped } = this.options;
    this.lives++;
    this.startedAtMs = world.now();
    const process = new SimulatedProcess(name, host, world, escaped);
    const system = this.options.system?.(process) ?? new ActorSystem({ clock: process });
    system.inspect(this.options.inspect, this.options.sent);
    this.process = process;
    this.system = system;
    const failed = (error: unknown) => {
      if (this.process !== process || !process.alive) return;
      this.options.refused(error, this);
      this.restart();
    };
    try {
      const started = this.options.start(process, system);
      if (started instanceof Promise) started.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  kill(): void {
    if (!this.alive) return;
    this.process?.kill();
    this.options.died?.();
  }

  /** Ends it and starts it after a while. */
  restart(afterMs = restartMs): void {
    this.kill();
    const { world } = this.options;
    world.wakeAt(world.now() + afterMs, () => this.start());
  }

  /** Keeps it down until `release` has been called as often. */
  holdDown(): void {
    this.#heldDown++;
    this.kill();
  }

  release(): void {
    this.#heldDown--;
    this.start();
  }
}
