/**
 * One role of a cluster in a process of its own, below the one that `up --split` started: the master, or a node. It
 * reports on its standard output, writes what people read to its standard error, and ends when its input does.
 */
import type { RoleReport } from "../actors/supervisor/role_processes.ts";
import { masterRole, nodeRole } from "../actors/supervisor/supervisor_actor.ts";
import { addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { startControlPlane } from "./control_plane.ts";
import { nodeNetworkReady, setUpNodeNetwork } from "./host_network.ts";
import { nodeName, startNode } from "./node.ts";
import { issueNodeCredentials, readNodeCredentials } from "./node_credentials.ts";
import { nodeReady } from "./node_ready.ts";
import { nodeWorld, type RuntimeName } from "./runtime_choice.ts";
import { reportingSystem } from "./single_process.ts";
import { takeLock } from "./state_lock.ts";
import { untilInputEnds, untilTerminated } from "./stop_signals.ts";

export interface RoleOptions {
  readonly role: "master" | "node";
  /** The node's. */
  readonly number: number;
  readonly nodes: number;
  readonly overcommit: boolean;
  readonly runtime: RuntimeName;
}

type Stop = () => Promise<void>;

export async function runRole(state: ClusterState, options: RoleOptions): Promise<void> {
  // Whoever brings the cluster up after a crash waits for us: two masters must never write one store.
  const lock = await takeLock(state.path("roles.lock"), "shared");
  if (lock === undefined) throw new Error(`Cannot start a process of "${state.name}": the cluster is being taken over`);
  const identity = await state.identity();
  if (identity === undefined) throw new Error(`Cannot start a process of "${state.name}": the cluster does not exist`);
  const ended = Promise.race([untilTerminated(), untilInputEnds()]);
  const stop = options.role === "master"
    ? await startMasterRole(state, identity.index, options)
    : await startNodeRole(state, identity.index, options);
  report({ type: "ready" });
  await ended;
  await stop();
  lock.release();
  Deno.exit(0);
}

async function startMasterRole(state: ClusterState, index: number, options: RoleOptions): Promise<Stop> {
  const system = reportingSystem(complain);
  const plan = addressPlan(index);
  const control = await startControlPlane({
    system,
    state,
    plan,
    runtime: options.runtime,
    nodes: options.nodes,
    nodesElsewhere: true,
    step: async (title, body) => {
      const result = await body();
      report({ type: "step", text: title });
      return result;
    },
    report: complain,
  });
  const now = system.clock.wallTime();
  const numbers = Array.from({ length: options.nodes }, (_, number) => number);
  const { authority } = control.master.keys;
  await Promise.all([
    control.startHostServices(),
    ...numbers.map((number) => issueNodeCredentials(state, number, plan, authority, now)),
  ]);
  return async () => {
    await control.stop();
    system.stopAll();
  };
}

async function startNodeRole(state: ClusterState, index: number, options: RoleOptions): Promise<Stop> {
  const { number, runtime, overcommit, nodes } = options;
  const system = reportingSystem(complain);
  const plan = addressPlan(index);
  const name = nodeName(number);
  const network = runtime === "docker" ? setUpNodeNetwork(system, plan, number) : undefined;
  const { authority, serving, client: certificate } = await readNodeCredentials(state, number);
  const { httpClient } = await import("../actors/api_client/http_client.ts");
  const client = httpClient({
    servers: [`https://127.0.0.1:${plan.apiServerPort}`],
    authority,
    certificate,
    userAgent: `chartroom/${nodeRole(number)}`,
  });
  const world = await nodeWorld(system, runtime, nodePlan(plan, number).podCidr);
  if (network !== undefined) await nodeNetworkReady(system, network);
  const node = await startNode({
    system,
    state,
    number,
    plan,
    ...world,
    network: network ?? world.network!,
    client,
    authority,
    serving,
    onNetwork: runtime === "docker",
    share: overcommit ? 1 : 1 / nodes,
    report: complain,
  });
  await nodeReady(system, client, name);
  report({ type: "step", text: `Node ${name} ready` });
  return async () => {
    await node.stop();
    system.stopAll();
    client.close();
  };
}

function report(fact: RoleReport): void {
  console.log(JSON.stringify(fact));
}

function complain(problem: string): void {
  console.error(`${new Date().toISOString()} ${problem}`);
}

/** The roles' names, as lines are prefixed with them and status shows them. */
export function roleNames(nodes: number): string[] {
  return [masterRole, ...Array.from({ length: nodes }, (_, number) => nodeRole(number))];
}
