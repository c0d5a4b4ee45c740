/** `chartroom status`: does it run, and how are its parts? */
import type { Node, Pod } from "../machines/objects/object.ts";
import { isSimulated } from "../machines/simulated_nodes/simulated_node.ts";
import { resources } from "../machines/objects/resources.ts";
import { administrator } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { etcdAddress } from "./etcd_endpoint.ts";
import { readExternalStore } from "./external_store_note.ts";

/** Exit codes: 0 it runs, 1 there is no such cluster, 3 it does not run, 4 it is being started or stopped. */
export async function status(state: ClusterState): Promise<void> {
  const identity = await state.identity();
  if (identity === undefined) {
    console.log(`Cluster "${state.name}" does not exist. Bring it up with: chartroom up --name ${state.name}`);
    Deno.exit(1);
  }
  const [holder, running] = [await state.holder(), await state.running()];
  if (holder === undefined) {
    const how = running === undefined ? "is down" : `is not running: its process ${running.pid} ended without a word`;
    console.log(`Cluster "${state.name}" ${how}. Its state is in ${state.directory}.`);
    Deno.exit(3);
  }
  if (running === undefined) {
    console.log(`Cluster "${state.name}" is being started or stopped, by process ${holder}.`);
    Deno.exit(4);
  }
  console.log(`Cluster "${state.name}" runs as process ${running.pid} since ${running.startedAt}.`);
  for (const [role, pid] of Object.entries(running.processes ?? {})) console.log(`Process      ${role} ${pid}`);
  console.log(`API server   ${running.server}`);
  console.log(await storeLine(state, identity.index, Object.keys(running.processes ?? {})));
  console.log(`Runtime      ${running.runtime}`);
  console.log(`State        ${state.directory}`);
  console.log(`Kubeconfig   ${state.path("kubeconfig")}`);
  const client = await administrator(state);
  try {
    const [nodes, pods] = await Promise.all([
      client.list<Node>(resources.nodes),
      client.list<Pod>(resources.pods),
    ]);
    const simulated = nodes.items.filter(isSimulated);
    if (simulated.length > 0) {
      const ready = simulated.filter((node) => readinessOf(node)?.status === "True").length;
      console.log(`Nodes        ${simulated.length} simulated, ${ready} of them Ready`);
    }
    for (const node of nodes.items.filter((each) => !isSimulated(each))) {
      const { metadata } = node;
      const ready = readinessOf(node);
      const words = ready?.status === "True" ? "Ready" : `NotReady: ${ready?.message ?? "has not said anything yet"}`;
      console.log(`Node         ${metadata.name} ${words}`);
    }
    const phases = new Map<string, number>();
    for (const { status } of pods.items) {
      const phase = status?.phase ?? "Pending";
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
    }
    const counts = [...phases].map(([phase, count]) => `${count} ${phase}`).join(", ");
    console.log(`Pods         ${counts || "none"}`);
  } finally {
    client.close();
  }
}

/** Where etcd's API of its store is. */
async function storeLine(state: ClusterState, index: number, roles: readonly string[]): Promise<string> {
  const external = await readExternalStore(state);
  if (external !== undefined) return `Store        etcd://${external.endpoints.join(",")}${external.prefix}`;
  const masters = Math.max(1, roles.filter((role) => role.startsWith("master-")).length);
  const addresses = Array.from({ length: masters }, (_, number) => etcdAddress(index, number));
  return `etcd's API   ${addresses.join(",")} with ${state.path("pki", "etcd")}`;
}

function readinessOf({ status }: Node) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}
