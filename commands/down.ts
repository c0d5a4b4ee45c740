/** `chartroom down`: nothing of the cluster is left on the host but its state directory. */
import { DockerRuntime } from "../actors/docker/docker_runtime.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { tearDownNetwork } from "../actors/pod_network/tear_down_network.ts";
import { readHostTextFile } from "../actors/real/kernel_file.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { engineAnswers } from "./docker_engine.ts";
import { Progress } from "./progress.ts";
import { isAlive } from "./status.ts";

/** How long a cluster may take to end in order before it is killed. */
const patienceMs = 40_000;

export async function down(state: ClusterState, options: { deleteState?: boolean }): Promise<void> {
  const identity = await state.identity();
  if (identity === undefined) {
    console.log(`Cluster "${state.name}" does not exist; nothing to do.`);
    return;
  }
  const progress = new Progress();
  const running = await state.running();
  if (running !== undefined && await isAlive(running.pid)) {
    await progress.step(`Cluster "${state.name}" stopped`, () => stopProcess(running.pid));
  }
  await state.forgetRunning();
  if (await engineAnswers()) await progress.step("Containers removed", () => removeContainers(state.name));
  else if (running?.runtime !== "simulated") {
    progress.say("  No Docker engine answers: containers of the cluster, if there are any, are left as they are.");
  }
  if (Deno.uid() === 0) {
    await progress.step(
      "Links and rules removed",
      () => tearDownNetwork(addressPlan(identity.index), new NftPacketFilter()),
    );
    await progress.step("Volumes unmounted", () => unmountBelow(state.path("nodes")));
  }
  if (options.deleteState) {
    await progress.step("State removed", () => Deno.remove(state.directory, { recursive: true }));
  } else {
    progress.say(`Its state is kept in ${state.directory}; "chartroom up" brings everything back.`);
  }
}

async function stopProcess(pid: number): Promise<void> {
  Deno.kill(pid, "SIGTERM");
  const deadline = performance.now() + patienceMs;
  while (await isAlive(pid)) {
    if (performance.now() > deadline) {
      Deno.kill(pid, "SIGKILL");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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

async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readHostTextFile("/proc/self/mounts")).split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((path) => path.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
  for (const path of mounts) {
    const { success, stderr } = await new Deno.Command("umount", { args: [path] }).output();
    if (!success) throw new Error(`Cannot unmount "${path}": ${new TextDecoder().decode(stderr).trim()}`);
  }
}
