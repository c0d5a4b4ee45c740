/** Runs a cluster's processes: the supervisor's actor, and one below it for each process. */
import { type ActorHandle, actorKind, type ActorSystem, type Address, address } from "../system.ts";
import { roleProcessMachine } from "../../machines/supervisor/role_process_machine.ts";
import { supervisorMachine } from "../../machines/supervisor/supervisor_machine.ts";
import type { RoleProcess, RoleProcesses } from "../../ports/role_processes.ts";

export interface SupervisorOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  /** One, unless told. */
  readonly masters?: number;
  readonly nodes: number;
  readonly processes: RoleProcesses;
  /** Called whenever a process was started or has ended: those that live, by role. */
  changed?(living: ReadonlyMap<string, number>): void;
  /** A process ended that nobody had told to; it is started again. */
  crashed?(role: string, code: number): void;
}

export interface Supervisor {
  /** Resolves when all processes are ready. @throws Error when one could not come up; all have ended then. */
  readonly ready: Promise<void>;
  /** Resolves when all processes have ended. */
  readonly ended: Promise<void>;
  /** Nodes first, the masters last. */
  stop(): void;
  /** The same without asking. */
  kill(): void;
}

export const masterRole = (number: number): string => `master-${number}`;
export const nodeRole = (number: number): string => `worker-${number}`;

export function startSupervisor(options: SupervisorOptions): Supervisor {
  return new SupervisorActor(options);
}

class SupervisorActor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #living = new Map<string, RoleProcess>();
  readonly #handle: ActorHandle<typeof supervisorMachine>;
  readonly #address: Address;
  #failed: string | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { system, node, nodes, masters = 1 } = options;
    this.#address = address({ node, kind: "supervisor", name: "supervisor" });
    this.#ready.promise.catch(() => {});
    const kind = actorKind("supervisor", supervisorMachine, {
      startMasters: ({ numbers }) => numbers.forEach((number) => this.#start("master", number)),
      startNodes: ({ numbers }) => numbers.forEach((number) => this.#start("node", number)),
      stopNodes: ({ numbers, demanded }) => numbers.forEach((number) => this.#stop(nodeRole(number), demanded)),
      stopMasters: ({ numbers, demanded }) => numbers.forEach((number) => this.#stop(masterRole(number), demanded)),
      announceReady: () => this.#ready.resolve(),
    });
    this.#handle = system.spawn(kind, {
      address: this.#address,
      input: { masters, nodes },
      onStopped: () => {
        const reason = this.#failed === undefined
          ? "it was stopped"
          : `${this.#failed} did not start; its lines say why`;
        this.#ready.reject(new Error(`Cannot bring the cluster up: ${reason}`));
        this.#ended.resolve();
      },
    });
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  stop(): void {
    this.#handle.send({ type: "stop.requested" });
  }

  kill(): void {
    this.#handle.send({ type: "stop.demanded" });
  }

  #addressOf(role: string): Address {
    return address({ node: this.#options.node, kind: "role-process", name: role });
  }

  #stop(role: string, demanded: boolean): void {
    this.#options.system.tell(
      this.#addressOf(role),
      { type: demanded ? "stop.demanded" : "stop.requested" },
      this.#address,
    );
  }

  #start(sort: "master" | "node", number: number): void {
    const { system, processes } = this.#options;
    const role = sort === "master" ? masterRole(number) : nodeRole(number);
    const at = this.#addressOf(role);
    const report = (happened: "ready" | "gone", worked?: boolean) =>
      system.tell(this.#address, {
        type: `${sort}.${happened}`,
        number,
        ...(worked === undefined ? {} : { worked }),
      }, at);
    const kind = actorKind("role-process", roleProcessMachine, {
      startProcess: async () => {
        const process = processes.start(role, { ready: () => system.tell(at, { type: "process.ready" }) });
        this.#change(role, process);
        const code = await process.ended;
        this.#change(role, undefined);
        if (system.get(at)?.getSnapshot()?.matches("alive")) this.#options.crashed?.(role, code);
        return { type: "process.exited", code } as const;
      },
      askToStop: () => this.#living.get(role)?.stop(),
      killProcess: () => this.#living.get(role)?.kill(),
      reportReady: () => report("ready"),
      reportGone: ({ worked }) => {
        if (!worked) this.#failed = role;
        report("gone", worked);
      },
    });
    // Not below the supervisor's own address: it outlives a fault of it, and nothing starts a process twice.
    system.spawn(kind, { address: at, input: { role } });
  }

  #change(role: string, process: RoleProcess | undefined): void {
    if (process === undefined) this.#living.delete(role);
    else this.#living.set(role, process);
    this.#options.changed?.(new Map([...this.#living].map(([each, { pid }]) => [each, pid])));
  }
}
