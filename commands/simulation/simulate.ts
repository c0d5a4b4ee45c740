/** One run of a cluster under one seed: it comes up, things happen to it, it gets quiet, and it must come to rest. */
import type { Call, CallObserver } from "../../actors/simulated/api_network.ts";
import type { TraceRecord } from "../../machines/check/trace_record.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { missingFromDesired } from "./desired_state.ts";
import { Faults } from "./faults.ts";
import { acknowledgedWrites } from "./invariants/acknowledged_writes.ts";
import { allowedEvents } from "./invariants/allowed_events.ts";
import { containers } from "./invariants/containers.ts";
import type { Watched } from "./invariants/invariant.ts";
import { podLife } from "./invariants/pod_life.ts";
import { rollouts } from "./invariants/rollouts.ts";
import { Mirror } from "./mirror.ts";
import { drawSchedule, type FaultKind, type Schedule, settledMs } from "./schedule.ts";
import { type Mutations, SimulatedCluster } from "./simulated_cluster.ts";
import { Trace } from "./trace.ts";
import { Workload } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly masters: number;
  /** How long things happen, in simulated minutes. */
  readonly minutes: number;
  readonly faults: readonly FaultKind[];
  readonly workload?: boolean;
  readonly heartbeatMs?: number;
  /** Instead of the one that is drawn from the seed: a part of it. */
  readonly schedule?: Schedule;
  readonly mutate?: Mutations;
  /** Gets every line of the trace. */
  trace?(line: string): void;
  /** Gets what each actor did. */
  record?(process: string, record: TraceRecord): void;
}

export interface Violation {
  /** What should hold, in plain words. */
  readonly invariant: string;
  readonly message: string;
  readonly atMs: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly schedule: Schedule;
  readonly simulatedMs: number;
  /** Moments at which something happened. */
  readonly steps: number;
  readonly transitions: number;
  readonly requests: number;
  readonly faulted: number;
  /** Of the whole trace. */
  readonly digest: string;
}

/** After the last fault, within so long, everything is as it was asked to be. */
const quietMs = 15 * 60_000;
const lookEveryMs = 1_000;
const checkAllEvery = 100;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const run = new Simulation(options);
  return await run.run();
}

class Simulation {
  readonly #cluster: SimulatedCluster;
  readonly #trace: Trace;
  readonly #schedule: Schedule;
  readonly #mirror: Mirror;
  readonly #workload: Workload;
  readonly #faults: Faults;
  readonly #all: readonly { checkAll?(): void }[];
  #violation: Violation | undefined;
  #steps = 0;
  #transitions = 0;
  #faulted = 0;

  constructor(readonly options: SimulationOptions) {
    const { seed, nodes, masters, minutes, faults, workload = true } = options;
    const forMs = minutes * 60_000;
    this.#schedule = options.schedule ?? drawSchedule({ seed, nodes, forMs, faults, workload });
    const failed = (invariant: string, message: string) => this.#failed(invariant, message);
    const allowed = allowedEvents(failed);
    const cluster = new SimulatedCluster(
      {
        seed,
        nodes,
        masters,
        ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
        ...(options.mutate === undefined ? {} : { mutate: options.mutate }),
      },
      {
        inspected: (inspection, process) => {
          this.#transitions++;
          if (inspection.type === "actor.failed") this.#faulted++;
          this.#trace.inspected(inspection, process);
          options.record?.(process, inspection);
          allowed.take(inspection, process);
        },
        sent(message, process) {
          options.record?.(process, message);
          allowed.take(message, process);
        },
        container: (event, node) => {
          this.#trace.say(`${node} container ${event.id.slice(0, 12)} ${event.type}`);
          life.happened(event, node);
        },
        served: (api, master) => {
          const { process, startedAtMs } = cluster.masters.find(({ name }) => name === master)!.component;
          writes.served(api, master, startedAtMs);
          this.#mirror.follow(api, () => process?.alive ?? false);
        },
        escaped: (error, process) =>
          failed("no exception escapes", `${process}: ${error instanceof Error ? error.stack : String(error)}`),
        refused: (error, component) => this.#trace.say(`${component} could not start: ${String(error)}`),
      },
    );
    this.#cluster = cluster;
    this.#trace = new Trace(() => cluster.clock.now(), options.trace);
    this.#mirror = new Mirror(failed);
    const watched: Watched = { cluster, mirror: this.#mirror, failed };
    const life = containers(watched);
    const writes = acknowledgedWrites(watched);
    this.#all = [life, writes, podLife(watched), rollouts(watched)];
    cluster.network.observer = this.#observer(writes.observer);
    this.#workload = new Workload(cluster);
    this.#faults = new Faults(cluster);
  }

  async run(): Promise<SimulationResult> {
    const { clock } = this.#cluster;
    const { minutes, seed } = this.options;
    const endMs = settledMs + minutes * 60_000;
    const stopListening = this.#catchRejections();
    try {
      this.#cluster.start();
      for (const fault of this.#schedule.faults) {
        clock.wakeAt(fault.atMs, () => {
          this.#trace.say(`fault ${fault.id} ${fault.kind}`);
          this.#faults.strike(fault);
        });
      }
      for (const operation of this.#schedule.operations) {
        clock.wakeAt(operation.atMs, () => {
          this.#trace.say(`operation ${operation.id} ${operation.type}`);
          this.#workload.begin(operation);
        });
      }
      await this.#pass(endMs);
      this.#faults.heal();
      for (const node of this.#cluster.nodes) node.calm = true;
      await this.#comeToRest(endMs + quietMs);
    } finally {
      stopListening();
    }
    return {
      seed,
      violation: this.#violation,
      schedule: this.#schedule,
      simulatedMs: clock.now(),
      steps: this.#steps,
      transitions: this.#transitions,
      requests: this.#cluster.network.counters.requests,
      faulted: this.#faulted,
      digest: this.#trace.digest(),
    };
  }

  /** One moment after the other, until then or until something is wrong. */
  async #pass(untilMs: number): Promise<void> {
    const { clock } = this.#cluster;
    await clock.settle();
    for (;;) {
      const next = clock.nextWake;
      if (this.#violation !== undefined) return;
      if (next === undefined || next > untilMs) break;
      clock.advance(Math.max(0, next - clock.now()));
      await clock.settle();
      if (++this.#steps % checkAllEvery === 0) { for (const each of this.#all) each.checkAll?.(); }
    }
    clock.advance(untilMs - clock.now());
    await clock.settle();
  }

  async #comeToRest(untilMs: number): Promise<void> {
    const { clock } = this.#cluster;
    let missing = ["nothing has been looked at"];
    while (clock.now() < untilMs && this.#violation === undefined) {
      await this.#pass(Math.min(untilMs, clock.now() + lookEveryMs));
      missing = missingFromDesired(this.#cluster, this.#mirror);
      for (const [id, why] of this.#workload.pending) missing.push(`operation ${id} has not been taken: ${why}`);
      if (missing.length === 0) return;
    }
    this.#failed(
      `within ${quietMs / 60_000} minutes after the last fault everything is as it was asked to be`,
      missing.join("; "),
    );
  }

  #failed(invariant: string, message: string): void {
    this.#trace.say(`VIOLATED ${invariant}: ${message}`);
    this.#violation ??= { invariant, message, atMs: this.#cluster.clock.now() };
  }

  #observer(writes: CallObserver): CallObserver {
    const revisionOf = (result: unknown) =>
      (result as { metadata?: { resourceVersion?: string } } | undefined)?.metadata?.resourceVersion ?? "";
    return {
      sent: (call: Call) => writes.sent?.(call),
      answered: (call, result) => {
        this.#trace.called(call, `done ${revisionOf(result)}`);
        writes.answered?.(call, result);
      },
      failed: (call, error, unknown) => {
        this.#trace.called(call, error instanceof ApiError ? `${error.code} ${error.reason}` : String(error));
        writes.failed?.(call, error, unknown);
      },
    };
  }

  /** A promise that nobody waits for and that fails is a bug, as an exception is. */
  #catchRejections(): () => void {
    const listener = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      const { reason } = event;
      this.#failed("no exception escapes", reason instanceof Error ? reason.stack ?? reason.message : String(reason));
    };
    globalThis.addEventListener("unhandledrejection", listener);
    return () => globalThis.removeEventListener("unhandledrejection", listener);
  }
}
