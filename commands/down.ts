/** `chartroom down`: nothing of the cluster is left on the host but its state directory. */
import { unmountBelow } from "../actors/node_files/mounts.ts";
import { DockerRuntime } from "../actors/docker/docker_runtime.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { tearDownNetwork } from "../actors/pod_network/tear_down_network.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import { removeBoot } from "./boot.ts";
import type { ClusterState } from "./cluster_state.ts";
import { engineAnswers } from "./docker_engine.ts";
import { Progress } from "./progress.ts";
import { signalProcess } from "./signal_process.ts";
import { awaitLock } from "./state_lock.ts";

/** How long a cluster may take to end in order before it is killed. */
const patienceMs = 40_000;

export async function down(state: ClusterState, options: { deleteState?: boolean }): Promise<void> {
  const identity = await state.identity();
  const holder = await state.holder();
  if (identity === undefined && holder === undefined) {
    console.error(`Cluster "${state.name}" does not exist; nothing to do.`);
    return;
  }
  const progress = new Progress();
  if (await removeBoot(state)) progress.say("  It does not come back with this machine any more.");
  const running = await state.running();
  if (holder !== undefined) {
    await progress.step(`Cluster "${state.name}" stopped`, () => stop(state, holder));
  }
  // Ours from here on: nobody brings it up while it is being taken apart.
  const lock = await state.lock();
  await endLeftOvers(state, Object.values(running?.processes ?? {}));
  await state.forgetRunning();
  if (await engineAnswers()) await progress.step("Containers removed", () => removeContainers(state.name));
  else if (running?.runtime !== "simulated") {
    progress.say("  No Docker engine answers: containers of the cluster, if there are any, are left as they are.");
  }
  if (Deno.uid() === 0) {
    if (identity !== undefined) {
      await progress.step(
        "Links and rules removed",
        () => tearDownNetwork(addressPlan(identity.index), new NftPacketFilter()),
      );
    }
    await progress.step("Volumes unmounted", () => unmountBelow(state.path("nodes")));
  }
  if (options.deleteState) {
    await progress.step("State removed", () => state.remove());
  } else {
    progress.say(`Its state is kept in ${state.directory}; "chartroom up" brings everything back.`);
  }
  lock.release();
}

async function stop(state: ClusterState, pid: number): Promise<void> {
  await signalProcess(pid, "TERM");
  const deadline = performance.now() + patienceMs;
  while (await state.holder() === pid) {
    if (performance.now() > deadline) await signalProcess(pid, "KILL");
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Processes of a supervisor that was killed end by themselves, as it does; those that hang are killed. */
async function endLeftOvers(state: ClusterState, processes: readonly number[]): Promise<void> {
  const path = state.path("roles.lock");
  let lock = await awaitLock(path, patienceMs);
  if (lock === undefined) {
    await Promise.all(processes.map((pid) => signalProcess(pid, "KILL")));
    lock = await awaitLock(path, 5_000);
  }
  if (lock === undefined) {
    throw new Error(`Cannot take cluster "${state.name}" down: a process of it still holds "${path}"`);
  }
  lock.release();
}

/** Only what bears the cluster's label is touched. Sandboxes go last: the others share their namespaces. */
async function removeContainers(cluster: string): Promise<void> {
  const runtime = new DockerRuntime();
  const containers = await runtime.list({ "chartroom.cluster": cluster });
  const isSandbox = (labels: Readonly<Record<string, string>>) => labels["io.kubernetes.container.name"] === "POD";
  const [sandboxes, others] = [
    containers.filter((each) => isSandbox(each.labels)),
    containers.filter((each) => !isSandbox(each.labels)),
  ];
  for (const group of [others, sandboxes]) {
    await Promise.all(group.map(({ id }) => runtime.remove(id)));
  }
}
