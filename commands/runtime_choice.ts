/** What runs containers: the Docker engine, or where there is none and where that was asked for, nothing at all. */
import type { ActorSystem } from "../actors/system.ts";
import type { ContainerRuntime } from "../ports/container_runtime.ts";
import type { NodeFiles } from "../ports/node_files.ts";
import type { PodNetwork } from "../ports/pod_network.ts";
import type { ClusterState } from "./cluster_state.ts";
import { ensureEngine } from "./docker_engine.ts";
import type { Progress } from "./progress.ts";

export type RuntimeName = "docker" | "simulated";

/** What one node gets. */
export interface NodeWorld {
  readonly runtime: ContainerRuntime;
  /** Absent: the host's. */
  readonly network?: PodNetwork;
  readonly files?: NodeFiles;
}

/** The runtime that can be had; loud when that is not the one that was asked for. */
export async function chooseRuntime(
  state: ClusterState,
  wanted: RuntimeName,
  progress: Progress,
): Promise<RuntimeName> {
  if (wanted === "simulated") return wanted;
  const problem = Deno.uid() === 0 ? await ensureEngine(state, progress) : "wiring pods to the network takes root";
  if (problem === undefined) return "docker";
  progress.say(
    `\n  NO CONTAINERS WILL RUN: ${problem}.\n` +
      "  This cluster uses the simulated runtime: pods go through their lives, but nothing runs in them.\n",
  );
  return "simulated";
}

/** Loaded only when it is needed, and after the API server listens: Docker's client is large. */
export async function nodeWorld(
  system: ActorSystem,
  runtime: RuntimeName,
  podCidr: string,
): Promise<NodeWorld> {
  if (runtime === "docker") return { runtime: await dockerRuntime() };
  const { simulatedNode } = await import("./simulated_node.ts");
  return simulatedNode(system.clock, podCidr);
}

let shared: Promise<ContainerRuntime> | undefined;

/** One client for all nodes of the process. */
function dockerRuntime(): Promise<ContainerRuntime> {
  return shared ??= import("../actors/docker/docker_runtime.ts").then(({ DockerRuntime }) => new DockerRuntime());
}
