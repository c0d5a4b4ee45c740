/** `chartroom up`: a cluster in this process, or in processes of their own below it. */
import type { Reach } from "../machines/network/reach.ts";
import { noteApiServerFlags } from "./api_server_flags.ts";
import type { ClusterState } from "./cluster_state.ts";
import { noteExternalStore, type StoreOptions } from "./external_store_note.ts";
import { noteInspectionWish } from "./inspection_wish.ts";
import { Progress } from "./progress.ts";
import { noteReach } from "./reach.ts";
import { chooseRuntime, type RuntimeName } from "./runtime_choice.ts";
import type { SimulatedNodesWish } from "./simulated_nodes.ts";
import { simulatedNodesWish } from "./simulated_nodes_wish.ts";
import { awaitLock } from "./state_lock.ts";
import { untilSignalled } from "./stop_signals.ts";

export interface UpOptions extends StoreOptions, Reach {
  /** Default 1, or none beside simulated ones. */
  readonly nodes?: number;
  /** The same as nodes. */
  readonly workers?: number;
  readonly masters?: number;
  readonly runtime: RuntimeName;
  readonly detach?: boolean;
  readonly boot?: boolean;
  readonly split?: boolean;
  readonly overcommit?: boolean;
  readonly role?: "master" | "node";
  readonly number?: number;
  readonly printCommand?: boolean;
  readonly history?: string;
  readonly inspectSend?: boolean;
  readonly simulatedNodes?: number;
  /** Path of a file. */
  readonly behaviours?: string;
}

/** Ends what a cluster says on its way up. */
export const lastLine = "  kubectl get nodes";

/** How long processes of a run that was killed may take to end. */
const formerRunMs = 30_000;

export async function up(state: ClusterState, given: UpOptions): Promise<void> {
  const { masters = 0, workers = given.nodes ?? (given.simulatedNodes === undefined ? 1 : 0) } = given;
  const options = { ...given, masters, nodes: workers, split: given.split ?? masters > 0 };
  const { nodes, runtime, overcommit = false, role } = options;
  if (role !== undefined) {
    const { runRole } = await import("./role.ts");
    return await runRole(state, { role, number: options.number ?? 0, masters, nodes, overcommit, runtime });
  }
  if (options.printCommand) throw new Error("Cannot print the command: the launcher does that (./chartroom up)");
  const simulatedNodes = await simulatedNodesWish(options);
  await state.prepare();
  await noteExternalStore(state, given);
  await noteInspectionWish(state, given);
  await noteApiServerFlags(state, given);
  await noteReach(state.directory, given);
  if (options.boot) return await (await import("./boot.ts")).installBoot(state, Deno.args);
  if (options.detach) {
    const { detach } = await import("./detach.ts");
    return await detach(state, options.split === true ? "supervisor" : "cluster");
  }
  const lock = await state.lock();
  const roles = await awaitLock(state.path("roles.lock"), formerRunMs);
  if (roles === undefined) {
    throw new Error(
      `Cannot bring cluster "${state.name}" up: processes of its former run have not ended; run "chartroom down"`,
    );
  }
  roles.release();
  await state.forgetRunning();
  await bringUp(state, options, simulatedNodes);
  lock.release();
  Deno.exit(0);
}

/** A cluster on its way up, in one process or several. */
export interface Bringing {
  readonly server: string;
  /** Resolves when all nodes are ready. @throws Error saying what stands in the way. */
  readonly ready: Promise<void>;
  /** In order; pods keep running. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

/** Until it is stopped by a signal. */
async function bringUp(
  state: ClusterState,
  options: UpOptions & { readonly nodes: number },
  simulatedNodes: SimulatedNodesWish | undefined,
): Promise<void> {
  const { nodes, masters = 0, overcommit = false } = options;
  const progress = new Progress();
  const report = (problem: string) => console.error(`${new Date().toISOString()} ${problem}`);
  // The second signal does not wait; while there is nothing to stop, the first does not either.
  let running = undefined as Bringing | undefined;
  const kill = () => running === undefined ? Deno.exit(130) : running.kill();
  const signalled = untilSignalled(kill).then(() => running ?? kill());

  const runtime = nodes === 0 ? "simulated" : await chooseRuntime(state, options.runtime, progress);
  progress.say(`Cluster "${state.name}", state in ${state.directory}`);
  const ranges = runtime === "docker" ? await (await import("../actors/pod_network/ip_tool.ts")).hostRanges() : [];
  const { index } = await state.identityOrNew(ranges);
  await sayWhoIsLeftOut(state, nodes, progress);
  const notes = new Notes(state, nodes, runtime);
  const shared = { state, index, masters, nodes, overcommit, runtime, progress, report };
  running = options.split
    ? await (await import("./split.ts")).startSplit({ ...shared, changed: (living) => notes.change(living) })
    : (await import("./single_process.ts")).startSingleProcess({
      ...shared,
      ...(simulatedNodes === undefined ? {} : { simulatedNodes }),
    });
  await Promise.race([
    signalled,
    running.ready.then(async () => {
      await notes.begin(running!.server);
      progress.say(
        `Ready in ${progress.elapsed}. To use it:\n\n  export KUBECONFIG=${state.path("kubeconfig")}\n${lastLine}\n`,
      );
    }),
  ]);
  await signalled;
  progress.say(`\nStopping cluster "${state.name}" ...`);
  await notes.end();
  await running.stop();
  await state.forgetRunning();
  progress.say(
    runtime === "docker"
      ? 'Stopped. Its pods keep running; "chartroom up" adopts them, "chartroom down" removes them.'
      : 'Stopped. Its objects stay; with "chartroom up" what was simulated begins anew.',
  );
}

/** Nodes that were there before and are not now stay in the API, where they become NotReady. */
async function sayWhoIsLeftOut(state: ClusterState, nodes: number, progress: Progress): Promise<void> {
  const numbers = (await state.knownNodes()).map((name) => Number(/^worker-(\d+)$/.exec(name)?.[1] ?? -1));
  const leftOut = numbers.filter((number) => number >= nodes).sort((a, b) => a - b);
  if (leftOut.length === 0) return;
  const names = leftOut.map((number) => `worker-${number}`).join(", ");
  progress.say(
    `  Left out: ${names}. ${leftOut.length === 1 ? "It becomes" : "They become"} NotReady, and what ran there is ` +
      `started elsewhere; "--nodes ${leftOut.at(-1)! + 1}" brings ${leftOut.length === 1 ? "it" : "them"} back.`,
  );
}

/** Keeps `running.json`: there from readiness to the end, with the processes that live. */
class Notes {
  #written = Promise.resolve();
  #server: string | undefined;
  #processes: Readonly<Record<string, number>> | undefined;
  readonly #startedAt = new Date().toISOString();

  constructor(readonly state: ClusterState, readonly nodes: number, readonly runtime: RuntimeName) {}

  begin(server: string): Promise<void> {
    this.#server = server;
    return this.#write();
  }

  change(processes: Readonly<Record<string, number>>): void {
    this.#processes = processes;
    void this.#write();
  }

  end(): Promise<void> {
    this.#server = undefined;
    return this.#written;
  }

  #write(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return this.#written;
    const note = {
      pid: Deno.pid,
      server,
      nodes: Array.from({ length: this.nodes }, (_, number) => `worker-${number}`),
      runtime: this.runtime,
      startedAt: this.#startedAt,
      ...(this.#processes === undefined ? {} : { processes: this.#processes }),
    };
    return this.#written = this.#written.then(() => this.state.noteRunning(note));
  }
}
