/**
 * One role of a cluster in a process of its own, below the one that `up --split` started: the master, or a node. It
 * reports on its standard output, writes what people read to its standard error, and ends when its input does.
 */
import type { RoleReport } from "../actors/supervisor/role_processes.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { RuntimeName } from "./runtime_choice.ts";
import { takeLock } from "./state_lock.ts";
import { untilInputEnds, untilTerminated } from "./stop_signals.ts";

export interface RoleOptions {
  readonly role: "master" | "node";
  /** The node's or the master's. */
  readonly number: number;
  /** 0: there is one, and its store is its own. */
  readonly masters: number;
  readonly nodes: number;
  readonly overcommit: boolean;
  readonly runtime: RuntimeName;
}

/** How a role's process is started; each in a file of its own, so that it loads what it needs. */
export interface RoleWorld {
  readonly state: ClusterState;
  readonly index: number;
  readonly options: RoleOptions;
  /** A step that was done, for whoever brings the cluster up. */
  done(step: string): void;
  report(problem: string): void;
}

export interface RunningRole {
  /** Resolves with why when it can work no more, and is to be stopped. */
  readonly over?: Promise<string>;
  /** In order. */
  stop(): Promise<void>;
}

/** Resolves when the role does its work. */
export type StartRole = (world: RoleWorld) => Promise<RunningRole>;

export async function runRole(state: ClusterState, options: RoleOptions): Promise<void> {
  // Whoever brings the cluster up after a crash waits for us: two masters must never write one store.
  const lock = await takeLock(state.path("roles.lock"), "shared");
  if (lock === undefined) throw new Error(`Cannot start a process of "${state.name}": the cluster is being taken over`);
  const identity = await state.identity();
  if (identity === undefined) throw new Error(`Cannot start a process of "${state.name}": the cluster does not exist`);
  const ended = Promise.race([untilTerminated(), untilInputEnds()]);
  const start: StartRole = options.role === "master"
    ? (await import("./master_role.ts")).startMasterRole
    : (await import("./node_role.ts")).startNodeRole;
  const problem = (text: string) => console.error(`${new Date().toISOString()} ${text}`);
  const running = await start({
    state,
    index: identity.index,
    options,
    done: (text) => report({ type: "step", text }),
    report: problem,
  });
  report({ type: "ready" });
  const why = await Promise.race([ended, ...(running.over === undefined ? [] : [running.over])]);
  await running.stop();
  if (why !== undefined) problem(why);
  lock.release();
  Deno.exit(why === undefined ? 0 : 1);
}

function report(fact: RoleReport): void {
  console.log(JSON.stringify(fact));
}
