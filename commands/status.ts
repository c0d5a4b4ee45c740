/** `chartroom status`: does it run, and how are its parts? */
import { readHostTextFile } from "../actors/real/kernel_file.ts";
import type { Node, Pod } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { administrator } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";

/** Whether a process of that id runs, whoever it belongs to; one that ended and was not waited for does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await readHostTextFile(`/proc/${pid}/stat`);
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    return state !== "Z" && state !== "X";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

export async function status(state: ClusterState): Promise<void> {
  const identity = await state.identity();
  if (identity === undefined) {
    console.log(`Cluster "${state.name}" does not exist. Bring it up with: chartroom up --name ${state.name}`);
    Deno.exit(1);
  }
  const running = await state.running();
  if (running === undefined || !await isAlive(running.pid)) {
    const how = running === undefined ? "is down" : `is not running: its process ${running.pid} ended without a word`;
    console.log(`Cluster "${state.name}" ${how}. Its state is in ${state.directory}.`);
    Deno.exit(3);
  }
  console.log(`Cluster "${state.name}" runs as process ${running.pid} since ${running.startedAt}.`);
  console.log(`API server   ${running.server}`);
  console.log(`Runtime      ${running.runtime}`);
  console.log(`State        ${state.directory}`);
  console.log(`Kubeconfig   ${state.path("kubeconfig")}`);
  const client = await administrator(state);
  try {
    const [nodes, pods] = await Promise.all([
      client.list<Node>(resources.nodes),
      client.list<Pod>(resources.pods),
    ]);
    for (const { metadata, status } of nodes.items) {
      const ready = status?.conditions?.find(({ type }) => type === "Ready");
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
