/** `worker --leave`: nothing of a worker stays on this host. Its Node object is for the cluster's administrator. */
import { DockerRuntime } from "../actors/docker/docker_runtime.ts";
import { unmountBelow } from "../actors/node_files/mounts.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { BridgePodNetwork } from "../actors/pod_network/bridge_pod_network.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import { engineAnswers } from "./docker_engine.ts";
import { Progress } from "./progress.ts";
import { takeLock } from "./state_lock.ts";
import type { WorkerIdentity } from "./worker_identity.ts";
import { readIdentity } from "./worker_identity.ts";

export async function leave(directory: string, name: string): Promise<void> {
  const identity = await readIdentity(directory);
  if (identity === undefined) throw new Error(`Cannot take worker "${name}" away: "${directory}" is no worker's state`);
  const lock = await takeLock(`${directory}/lock`);
  if (lock === undefined) throw new Error(`Cannot take worker "${name}" away: it runs; stop it first`);
  const progress = new Progress();
  if (await engineAnswers()) await progress.step("Containers removed", () => removeContainers(identity));
  if (Deno.uid() === 0) {
    const { index, number } = identity;
    const network = new BridgePodNetwork({
      plan: addressPlan(index),
      node: number,
      packetFilter: new NftPacketFilter(),
    });
    await progress.step("Links removed", () => network.tearDown());
    await progress.step("Volumes unmounted", () => unmountBelow(`${directory}/nodes`));
  }
  await progress.step("State removed", async () => {
    for (const each of ["nodes", "pki", "worker.json", "lock"]) {
      await Deno.remove(`${directory}/${each}`, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  });
  lock.release();
  progress.say(`The cluster still knows the node; to forget it: kubectl delete node ${name}`);
}

/** Sandboxes go last: the others share their namespaces. */
async function removeContainers({ cluster, name }: WorkerIdentity): Promise<void> {
  const runtime = new DockerRuntime();
  const containers = await runtime.list({ "chartroom.cluster": cluster, "chartroom.node": name });
  const isSandbox = ({ labels }: (typeof containers)[number]) => labels["io.kubernetes.container.name"] === "POD";
  for (const group of [containers.filter((each) => !isSandbox(each)), containers.filter(isSandbox)]) {
    await Promise.all(group.map(({ id }) => runtime.remove(id)));
  }
}
