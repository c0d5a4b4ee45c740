/** The kubelet of one node: its actors, and what the rest of the process needs of it. */
import type { Pod, Service } from "../../machines/objects/object.ts";
import { parseResolverConfig } from "../../machines/pod/dns_config.ts";
import { resources } from "../../ports/api_client.ts";
import type { NodeStreams } from "../../ports/node_streams.ts";
import { startInformer } from "../informer.ts";
import { KubeletActor } from "./kubelet_actor.ts";
import { NodeActor } from "./node_actor.ts";
import { KubeletStreams } from "./node_streams.ts";
import { PodIntake } from "./pod_intake.ts";
import { type KubeletOptions, KubeletWorld } from "./world.ts";

export type { KubeletOptions, NodeCapacity } from "./world.ts";

export interface Kubelet {
  /** For the kubelet's HTTPS server. */
  readonly streams: NodeStreams;
  /**
   * Stops the kubelet's actors. Pods go on running and are adopted by the next start.
   */
  stop(options?: { readonly leavePods?: true }): Promise<void>;
}

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const world = new KubeletWorld(options);
  const { system, nodeName, client } = options;
  world.hostResolver = parseResolverConfig(await world.files.readHostFile("/etc/resolv.conf"));
  world.lowestOomScore = lowestOomScore(await world.files.readHostFile("/proc/self/status"));
  const node = new NodeActor(world);
  const kubelet = new KubeletActor(world, new PodIntake(world), node);
  system.spawn(kubelet.kind, { address: world.kubeletAddress, input: undefined });
  const supervisor = world.kubeletAddress;
  system.spawn(node.nodeKind, { address: world.addressOf("node"), supervisor, input: undefined });
  system.spawn(node.leaseKind, { address: world.addressOf("lease"), supervisor, input: undefined });
  world.services = options.share?.services ?? startInformer<Service>(system, {
    node: nodeName,
    name: "kubelet-services",
    client,
    resource: resources.services,
    supervisor,
  });
  world.pods = options.share?.pods ?? startInformer<Pod>(system, {
    node: nodeName,
    name: "kubelet-pods",
    client,
    resource: resources.pods,
    options: { fieldSelector: `spec.nodeName=${nodeName}` },
    supervisor,
  });
  const unsubscribe = world.pods.subscribe({
    changed: (changes) => kubelet.podsChanged(changes),
    synced: () => system.tell(world.kubeletAddress, { type: "pods.synced" }),
  });
  return {
    streams: new KubeletStreams(world),
    async stop() {
      world.stopping = true;
      unsubscribe();
      kubelet.unfollow();
      system.stop(world.kubeletAddress);
      await Promise.allSettled(
        [...world.records.values()].flatMap(({ sandboxWork, volumeWork, statusWork }) => [
          sandboxWork,
          volumeWork,
          statusWork,
        ]),
      );
      await world.events.flush();
    },
  };
}

/** Lowering a score takes CAP_SYS_RESOURCE (bit 24); a runtime without it would fail to start the container. */
function lowestOomScore(status: string): number {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return (effective >> 24n) & 1n ? -1000 : 0;
}
